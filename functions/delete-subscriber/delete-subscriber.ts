import { type Fault, fault, unknownField } from '../../lib/faults.ts';
import { requestOfPath } from '../../lib/requests/of-path.ts';
import { checkOffboardingRequest } from '../../lib/requests/offboarding.ts';
import type { Sending } from '../../lib/subscribers/send-request.ts';

/**
 * Checks a request to offboard a subscriber, which has no body: `confirm` and `keepData` are parameters of the query.
 * @throws InvalidRequest naming each parameter and rule
 */
export function offboardingAsked(
  path: Readonly<Record<string, string>>,
  { subscriber, keepData, ...query }: Readonly<Record<string, string>>,
  faults: readonly Fault[],
): Pick<Sending, 'operation' | 'userName' | 'request'> {
  const body = { ...query, ...(keepData !== undefined && { keepData: booleanOf(keepData) }) };
  const otherFaults = [...faults, ...(subscriber === undefined ? [] : [fault(['subscriber'], unknownField)])];
  return {
    operation: 'offboard-subscriber',
    ...requestOfPath(path, body, { check: checkOffboardingRequest, otherFaults }),
  };
}

/** What is neither stays as it is, for the request's own rule to refuse. */
function booleanOf(text: string): boolean | string {
  return text === 'true' || text === 'false' ? text === 'true' : text;
}
