import type { Fault } from '../../lib/faults.ts';
import { requestOfPath } from '../../lib/requests/of-path.ts';
import { checkUpdateRequest } from '../../lib/requests/update.ts';
import { inputSecretPrefix } from '../../lib/secrets/names.ts';
import type { Sending } from '../../lib/subscribers/send-request.ts';
import type { Environment } from './environment.ts';

/**
 * Checks a request to change a subscriber.
 * @throws InvalidRequest naming each field and rule
 */
export function updateAsked(
  path: Readonly<Record<string, string>>,
  body: unknown,
  { faults, environment }: { faults: readonly Fault[]; environment: Environment },
): Pick<Sending, 'operation' | 'userName' | 'request'> {
  const secrets = { inputSecretPrefix: inputSecretPrefix(environment.SECRET_PREFIX) };
  const check = (request: object) => checkUpdateRequest(request, secrets);
  return { operation: 'update-subscriber', ...requestOfPath(path, body, { check, otherFaults: faults }) };
}
