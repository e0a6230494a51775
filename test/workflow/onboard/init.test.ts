import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { init } from '../../../cli/commands/init.ts';
import { proposeMap } from '../../../cli/init/propose.ts';
import { createSession, noScreen } from '../../../cli/session.ts';
import { parseTemplate } from '../../../cli/vendor-template/content.ts';
import { createTerminal } from '../../../cli/view/terminal.ts';
import { getVersion } from '../../../lib/infinstor/discovery.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { byScope } from '../../scope.ts';
import {
  standIn,
  with120Parameters,
  withNumbers,
  withOtherNames,
  withoutEncryption,
  withSwitches,
} from '../../unit/cli/init/templates.ts';
import { onboard, withSandbox } from '../sandbox.ts';
import { stackOf } from '../subscriber.ts';
import { nestedWhole, type PublishedTemplates } from '../template-variants.ts';

const file = 'infinstor-setup-customer.yaml';
const build = '9.9.9';
const one = (template: string): PublishedTemplates => ({ [file]: template });

interface Kind {
  templates: PublishedTemplates;
  options?: { param?: string[]; map?: string[] };
  /** Whether subscribers may choose an encryption; with a key for bucket and table together: `one key`. */
  encryption?: 'none' | 'one key';
}

const numbers: Record<string, Kind> = { 'whose choices are numbers': { templates: one(withNumbers) } };
const others: Record<string, Kind> = {
  'as it is': { templates: one(standIn) },
  'with other names': { templates: one(withOtherNames), options: { map: ['subscriber.Contact={emailId}'] } },
  'with 120 parameters': { templates: one(with120Parameters) },
  'that nests all of it': { templates: nestedWhole(standIn), options: { param: ['requirePinnedTemplate=false'] } },
  'without options of encryption': { templates: one(withoutEncryption), encryption: 'none' },
  'with switches': { templates: one(withSwitches), encryption: 'one key' },
};
const kinds = byScope({ usual: numbers, all: { ...numbers, ...others }, long: { ...numbers, ...others } });

/** Makes a stage in the sandbox as a person would, without a terminal. @returns its params */
async function initIn({ endpoint: url }: Sandbox, { options = {} }: Kind) {
  const folder = mkdtempSync(join(tmpdir(), 'init-'));
  const session = createSession({
    program: { name: 'infinstor-onboarding', isTour: false },
    json: true,
    terminal: createTerminal(noScreen, {}),
    isInteractive: false,
    target: { kind: 'endpoint', url, stage: 'dev' },
    isNamed: true,
  });
  const world = {
    folder,
    environment: {},
    send: fetch,
    getVersion,
    ask: () => Promise.reject(new Error('Nobody is there')),
  };
  const { document } = await init({ words: ['dev'], options: { build, ...options } }, session, world);
  expect(document).toMatchObject({ status: 'SUCCEEDED', questions: [] });
  return v.parse(v.record(v.string(), v.string()), parse(readFileSync(join(folder, 'stages/dev.yml'), 'utf8')));
}

const key = (keyArn: string) => ({ algorithm: 'aws:kms', keyArn });
const choices = (trackingKeyArn: string) => [
  { type: ['sse-s3', 'aws-owned'], bucket: { algorithm: 'AES256' }, table: { type: 'aws-owned' } },
  { type: ['sse-kms-aws-managed', 'aws-managed'], bucket: { algorithm: 'aws:kms' }, table: { type: 'aws-managed' } },
  {
    type: ['sse-kms-customer-managed', 'customer-managed'],
    bucket: key(fixtures.artifactsKeyArn),
    table: { type: 'customer-managed', keyArn: trackingKeyArn },
    keys: [{ keyArn: fixtures.artifactsKeyArn }, { keyArn: trackingKeyArn }],
  },
];

it.each(Object.entries(kinds))(
  'the stage that init makes for a template %s onboards with every encryption',
  async (_, kind) => {
    // The functions have their params before there is a sandbox to ask: what init then writes must be the same.
    const map = mapFor(kind);
    await withSandbox({ environment: { TEMPLATE_PARAMETERS: JSON.stringify(map) } }, async (sandbox) => {
      for (const [name, template] of Object.entries(kind.templates)) sandbox.templates.publish(build, template, name);
      const params = await initIn(sandbox, kind);
      expect(JSON.parse(params.templateParameters ?? '')).toEqual(map);
      expect(params.infinstorMlflowUrl).toBe(`${sandbox.endpoint}/infinstor`);
      const all = choices(kind.encryption === 'one key' ? fixtures.artifactsKeyArn : fixtures.trackingKeyArn);
      const offered = kind.encryption === 'none' ? all.slice(0, 1) : all;
      for (const [place, { type, bucket, table, keys = [] }] of all.entries()) {
        const userName = `init-${place}`;
        const report = await onboard(sandbox, {
          subscriber: { userName, emailId: 'mlops@acme.example' },
          stack: { build },
          encryption: {
            artifacts: { type: type[0], ...keys[0] },
            tracking: { type: type[1], ...keys[1] },
          },
        });
        if (place >= offered.length) {
          expect(report).toMatchObject({ error: { name: 'InvalidRequest', step: 'AcceptRequest' } });
          continue;
        }
        expect(report.error).toBeNull();
        const outer = stackOf(sandbox, userName)?.stackId;
        const isOf = ({ stackId }: { stackId: string }) =>
          stackId === outer || stackId.includes(`${stackOf(sandbox, userName)?.stackName}-`);
        expect(sandbox.cloudFormation.buckets().filter(isOf)).toMatchObject([{ encryption: bucket }]);
        expect(sandbox.cloudFormation.tables().filter(isOf)).toMatchObject([{ encryption: table }]);
      }
      expect(sandbox.denials()).toEqual([]);
    });
  },
);

/** The map that is expected: that of the proposal, whose own test has it by heart. */
function mapFor({ templates, options }: Kind): object {
  const template = parseTemplate(templates[file] ?? '');
  if (template === undefined) throw new Error('It is no template');
  const parts = proposeMap(template);
  const of = (name: string) => parts.get(name)?.parameters ?? undefined;
  const choosing = (name: string) =>
    Object.fromEntries(
      [...parts.keys()].flatMap((part) => {
        const [, choice = ''] = part.startsWith(`${name}.`) ? part.split('.') : [];
        return choice === '' || of(part) === undefined ? [] : [[choice, of(part)] as const];
      }),
    );
  const extra = (options?.map ?? []).map((text) => /^subscriber\.(\w+)=(.*)$/.exec(text) ?? []);
  return {
    subscriber: { ...of('subscriber'), ...Object.fromEntries(extra.map(([, name = '', value = '']) => [name, value])) },
    customToken: Object.keys(of('customToken') ?? {})[0],
    artifacts: choosing('artifacts'),
    tracking: choosing('tracking'),
    boundary: of('boundary'),
  };
}
