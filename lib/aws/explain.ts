import { foreignKind } from '../foreign-errors.ts';
import { errorName } from './error-name.ts';
import { failedCallOf } from './failed-calls.ts';
import { ownRole } from './own-role.ts';

/** Most services' words for a denial (IAM user guide, "Troubleshoot access denied error messages"). */
const denial =
  /is not authorized to perform: (?<action>[\w*:-]+) on resource: (?<resource>.+?)(?: (?<why>because|with) (?<reason>.+))?$/s;

/**
 * What an error that is not the project's own says to an operator: the call and what it was about, AWS's own words, how often it
 * was tried, and of a denial who was denied. Some services name none of that themselves ("Access Denied" of S3, "Rate exceeded").
 */
export function explain(error: Error): string {
  const call = failedCallOf(error);
  if (call === undefined) return error.message;
  const { action, resource, attempts, waitedMs } = call;
  const kind = foreignKind(errorName(error));
  // It names role, action and resource itself; of an action's alone the denier is missing.
  const denied = kind === 'refused' ? denial.exec(error.message) : null;
  if (denied !== null) return `${error.message}${denierOf(denied.groups)}`;
  const about = resource === undefined || error.message.includes(resource) ? '' : ` on ${resource}`;
  const words = error.message === '' ? error.name : error.message;
  const who = kind === 'refused' ? `, to ${ownRole()}` : '';
  const tries =
    attempts !== undefined && attempts > 1 ? ` (tried ${attempts} times${pauses(waitedMs)} by the function)` : '';
  return `${action}${about}: ${words}${who}${tries}`;
}

const pauses = (waitedMs: number | undefined) =>
  waitedMs === undefined ? '' : `, with ${(waitedMs / 1000).toFixed(1)} s of pauses,`;

/** Where the policy is that denies, for what AWS leaves open: it names no policy to callers from outside an organization. */
function denierOf({ why, action = '' }: Record<string, string | undefined> = {}): string {
  if (why !== undefined) return '';
  return action.startsWith('kms:')
    ? " (AWS does not say by what: the key's policy, its tag infinstor-onboarding, the role's policy, a boundary or an organization's policy)"
    : " (AWS does not say by what: the role's policy, the resource's own, a boundary or an organization's policy)";
}
