import { type At, type Finding, fail, ok, warn } from './finding.ts';
import { type PlanFault, planFaults } from './probe.ts';

/** What is wrong with the template itself, and not with what the deployment says of it. */
const ofTemplate: ReadonlySet<string> = new Set(['TemplateNotReadable', 'TemplateChanged', 'TemplateNotPinned']);
/** What the checks of keys and accounts find. */
export const ofKeysAndAccounts: ReadonlySet<string> = new Set([
  'KeyNotUsable',
  'KeyPolicyFull',
  'KeyPolicyOrphan',
  'KeyPolicyNotUnderstood',
  'AccountNotAccessible',
]);

/** Whether the default build's template can be read and is the pinned one, and whether the parameter map fits it. */
export async function checkTemplate(at: At): Promise<Finding[]> {
  const [plain, encrypted] = await Promise.all([
    planFaults({}, at),
    planFaults({ encryption: { artifacts: { type: 'sse-kms-aws-managed' }, tracking: { type: 'aws-managed' } } }, at),
  ]);
  return judgeTemplate(plain, encrypted, at);
}

/** @param plain the faults of a plan without encryption @param encrypted those of one with AWS's own keys */
export function judgeTemplate(plain: readonly PlanFault[], encrypted: readonly PlanFault[], at: At): Finding[] {
  const { stage } = at.deployment;
  const [template] = plain.filter(({ name }) => ofTemplate.has(name));
  const map = 'parameter map';
  if (template !== undefined) {
    return [
      fail(
        'template',
        said(template),
        `${at.command('template')}: read it, compare, and set it in stages/${stage}.yml`,
      ),
      warn(map, 'It was not compared, because of the above', 'Mend that first.'),
    ];
  }
  const read = ok('template', 'It can be read, and is what the stage pins');
  const edit = `Compare it with \`${at.command('template')}\`, correct templateParameters in stages/${stage}.yml, then ${at.command('deploy')}`;
  const others = (faults: readonly PlanFault[]) => faults.filter(({ name }) => !ofKeysAndAccounts.has(name));
  const wrong = others(plain);
  if (wrong.length > 0) return [read, ...wrong.map((fault) => fail(map, said(fault), edit))];
  // Requests without these choices go through.
  const missing = others(encrypted).map((fault) => warn(map, `With AWS's own keys: ${said(fault)}`, edit));
  return [read, ...(missing.length > 0 ? missing : [ok(map, 'The template has all that the stage sets')])];
}

export const said = ({ name, message }: PlanFault) => `${name}: ${message}`;
