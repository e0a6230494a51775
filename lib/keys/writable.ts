import { arnOwner, roleIdentity } from '../aws/arns.ts';
import { KeyNotUsable } from '../errors.ts';
import { awsPrincipals, type KeyPolicy, type Statement } from './policy-document.ts';

/** What a writer of a key's policy asks of KMS. */
const neededActions = ['kms:GetKeyPolicy', 'kms:PutKeyPolicy'];

/**
 * Checks that a key's policy lets the deployment change it, as far as statements say so whatever the call is like: what a condition
 * decides, and whom NotPrincipal excepts, is known only to KMS. (IAM user guide, "Policy evaluation logic"; KMS developer guide, "Key policies".)
 * @param writers the roles that write it, of the key's account
 * @throws KeyNotUsable naming the statement that denies it, or that there is none that allows it
 */
export function requireWritable(keyArn: string, policy: KeyPolicy, writers: readonly string[]): void {
  for (const roleArn of writers) {
    for (const action of neededActions) {
      const obstacle = obstacleTo({ action, keyArn, roleArn }, policy);
      if (obstacle !== undefined) throw new KeyNotUsable(keyArn, obstacle);
    }
  }
}

interface Call {
  action: string;
  keyArn: string;
  roleArn: string;
}

function obstacleTo(call: Call, policy: KeyPolicy): string | undefined {
  const { action, roleArn } = call;
  const about = policy.Statement.filter((statement) => isAbout(statement, call));
  const denying = about.find(
    (statement) =>
      statement.Effect === 'Deny' &&
      isUnconditional(statement) &&
      names(awsPrincipals(statement.Principal).filter(isNoSession), roleArn),
  );
  if (denying !== undefined) {
    return `statement "${denying.Sid || '(without Sid)'}" of its policy denies ${action} to ${roleArn}`;
  }
  const isAllowed = about.some(
    ({ Effect, Principal, NotPrincipal }) =>
      Effect === 'Allow' && (NotPrincipal !== undefined || names(awsPrincipals(Principal), roleArn)),
  );
  return isAllowed ? undefined : `no statement of its policy allows ${action} to ${roleArn} or to its account`;
}

/** Whether a statement is about an action on a key; one without Action or Resource is accepted by KMS, and has no effect. */
function isAbout({ Action, NotAction, Resource, NotResource }: Statement, { action, keyArn }: Call): boolean {
  const isAction = (patterns: string | string[]) => isAmong(patterns, action, 'i');
  const isKey = (patterns: string | string[]) => isAmong(patterns, keyArn, '');
  const isOfAction = Action === undefined ? NotAction !== undefined && !isAction(NotAction) : isAction(Action);
  const isOfKey = Resource === undefined ? NotResource !== undefined && !isKey(NotResource) : isKey(Resource);
  return isOfAction && isOfKey;
}

const isUnconditional = ({ Condition = {} }: Statement) => Object.keys(Condition).length === 0;

/** What is denied to one session of a role is not denied to the role. */
const isNoSession = (principal: string) => principal.split(':')[2] !== 'sts';

/** Whether a principal is the role, a session of it, which may be any, or its account, whose IAM policies decide then. */
function names(principals: readonly string[], roleArn: string): boolean {
  const { accountId } = arnOwner(roleArn);
  const role = roleIdentity(roleArn);
  return principals.some(
    (one) =>
      one === '*' ||
      one === accountId ||
      (one.endsWith(':root') && arnOwner(one).accountId === accountId) ||
      (role !== undefined && roleIdentity(one) === role),
  );
}

/** Whether one of some patterns of `*` (any text) and `?` (any character) matches a text. */
function isAmong(patterns: string | string[], text: string, flags: '' | 'i'): boolean {
  return [patterns].flat().some((pattern) => {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${source}$`, `s${flags}`).test(text);
  });
}
