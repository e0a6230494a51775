import type { Fault } from '../../lib/faults.ts';
import { requestOfPath } from '../../lib/requests/of-path.ts';
import { checkUsersRequest } from '../../lib/requests/users.ts';
import { inputSecretPrefix } from '../../lib/secrets/names.ts';
import type { Sending } from '../../lib/subscribers/send-request.ts';
import type { Environment } from './environment.ts';

/**
 * Checks a request to add users under a subscriber.
 * @throws InvalidRequest naming each field and rule
 */
export function usersAsked(
  path: Readonly<Record<string, string>>,
  body: unknown,
  { faults, environment }: { faults: readonly Fault[]; environment: Environment },
): Pick<Sending, 'operation' | 'userName' | 'request'> {
  const { SECRET_PREFIX, SUPERADMIN_USER_NAME: superadminUserName } = environment;
  const rules = { inputSecretPrefix: inputSecretPrefix(SECRET_PREFIX), superadminUserName };
  const check = (request: object) => checkUsersRequest(request, rules);
  return { operation: 'add-user', ...requestOfPath(path, body, { check, otherFaults: faults }) };
}
