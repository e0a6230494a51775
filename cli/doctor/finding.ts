import { CommandError } from '../command-error.ts';
import type { Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';

/** What a check has found. */
export interface Finding {
  /** What was looked at. */
  what: string;
  /** `warn`: it works, or it could not be looked at; `fail`: an onboarding would fail, or go unnoticed when it does. */
  outcome: 'ok' | 'warn' | 'fail';
  why: string;
  /** The command that mends it, or, where none does, what to do. */
  mend: string | null;
}

/** Where checks look, and how commands for the same place are written. */
export interface At {
  target: Reachable;
  deployment: Deployment;
  /** A command of this program. */
  command: (words: string) => string;
  /** A command of the AWS CLI. */
  aws: (words: string) => string;
}

export const ok = (what: string, why: string): Finding => ({ what, outcome: 'ok', why, mend: null });
export const warn = (what: string, why: string, mend: string): Finding => ({ what, outcome: 'warn', why, mend });
export const fail = (what: string, why: string, mend: string): Finding => ({ what, outcome: 'fail', why, mend });

/** `AuthorizationError` is SNS's (API reference, GetTopicAttributes). */
const denied = /^(AccessDenied|AuthorizationError|Forbidden|UnauthorizedOperation|NotAuthorized)/;
const deniedAction = /is not authorized to perform: ([\w-]+:\w+)/;

/**
 * Makes a check, of which the caller may lack a permission: then it says which.
 * @param permission of its first call, where AWS's words do not name the one that is missing
 */
export async function checking(
  what: string,
  permission: string,
  check: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [findingOf(what, permission, error)];
  }
}

/** What an error of a check means. */
export function findingOf(what: string, permission: string, error: unknown): Finding {
  if (!(error instanceof Error)) return fail(what, String(error), 'Run the command again.');
  if (denied.test(error.name)) {
    const [, action = permission] = deniedAction.exec(error.message) ?? [];
    return warn(
      what,
      `It could not be looked at: these credentials lack ${action}`,
      `Allow ${action}, and run it again.`,
    );
  }
  const remedy = error instanceof CommandError ? error.remedy : 'Run the command again; if it fails again, report it.';
  return fail(what, `${error.name}: ${error.message}`, remedy);
}
