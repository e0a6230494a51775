import type { Change } from '../../lib/preflight/preview.ts';
import { preflightUsers } from '../../lib/preflight/users.ts';
import type { Dependencies, Draft, Looking } from './draft.ts';

/** The states that are entered once, and those that are entered for each user. */
const transitionsOf = (users: number) => 3 + 2 * users;

/**
 * What the addition of users would do. Who stands in the registry as a user of the subscriber is there; whether InfinStor has others of
 * these names shows when they are added.
 * @throws Faults with everything that its first step would refuse
 */
export async function draftUsers(request: unknown, dependencies: Dependencies, looking: Looking): Promise<Draft> {
  const { plan, record } = await preflightUsers(request, dependencies, looking);
  const known = new Set(record.users?.map((user) => user.toLowerCase()));
  const missing = plan.users.filter(({ userName }) => !known.has(userName.toLowerCase()));
  const step = 'AddUser';
  return {
    userName: plan.subscriber.userName,
    changes: missing.flatMap(({ userName, credentialsSecretId }): Change[] => [
      { step, kind: 'user', action: 'create', what: userName },
      { step, kind: 'secret', action: 'create', what: credentialsSecretId, detail: 'Password' },
    ]),
    keyPolicies: [],
    transitions: transitionsOf(plan.users.length),
    secrets: missing.length,
    seen: { plan, status: record.status, users: record.users },
  };
}
