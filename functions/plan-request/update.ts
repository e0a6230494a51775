import { preflightUpdate } from '../../lib/preflight/update.ts';
import { credentialsSchema } from '../../lib/secrets/credentials.ts';
import { passwordSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { readSecret } from '../../lib/secrets/secrets.ts';
import type { Dependencies, Draft, Looking } from './draft.ts';

/** The states of its state machine, each entered once. */
const transitions = 4;

/**
 * What an update would do.
 * @throws Faults with everything that its first step would refuse
 */
export async function draftUpdate(request: unknown, dependencies: Dependencies, looking: Looking): Promise<Draft> {
  const { secrets } = dependencies;
  const { plan, record } = await preflightUpdate(request, dependencies, looking);
  const { credentialsSecretId: secretId, passwordSecretId } = plan;
  const { userName, emailId } = plan.subscriber;
  const kept = (await readSecret(secrets, { secretId }, credentialsSchema))?.value;
  const keptEmailId = kept?.state === 'created' ? (kept.emailId ?? record.emailId) : record.emailId;
  const given =
    passwordSecretId === undefined
      ? undefined
      : await readInputSecret(secrets, { field: 'passwordSecretId', secretId: passwordSecretId }, passwordSchema);
  const fields = [
    ...(plan.changed.includes('emailId') && emailId !== keptEmailId ? ['emailId'] : []),
    ...(given !== undefined && given.password !== kept?.password ? ['password'] : []),
  ];
  const step = 'UpdateSubscriber';
  const detail = fields.join(', ');
  return {
    userName,
    changes:
      fields.length === 0
        ? []
        : [
            { step, kind: 'subscriber', action: 'update', what: userName, detail },
            { step, kind: 'secret', action: 'update', what: secretId, detail },
          ],
    keyPolicies: [],
    transitions,
    secrets: 0,
    seen: { plan, status: record.status },
  };
}
