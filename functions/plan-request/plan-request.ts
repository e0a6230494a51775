import { KeyPolicyBusy, StepError } from '../../lib/errors.ts';
import { canonical, canonicalHash } from '../../lib/keys/canonical.ts';
import { allFaults, Faults } from '../../lib/preflight/checks.ts';
import type { Preview } from '../../lib/preflight/preview.ts';
import { requireEnded } from '../../lib/subscribers/claim.ts';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { costOf } from './cost.ts';
import type { Dependencies, Draft, Looking } from './draft.ts';
import { draftOffboarding } from './offboarding.ts';
import { draftOnboarding } from './onboarding.ts';
import { draftUpdate } from './update.ts';
import { draftUpgrade } from './upgrade.ts';
import { draftUsers } from './users.ts';

/** What is to be planned. */
export interface Planned {
  operation: Operation;
  request: unknown;
}

/**
 * What a request would do, by the same checks and decisions as the steps of its machine. It changes nothing.
 * @throws Faults with everything that the first step would refuse
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function planRequest({ operation, request }: Planned, dependencies: Dependencies): Promise<Preview> {
  const warnings: string[] = [];
  const draft = await draftOf({ operation, request }, dependencies, {
    checks: allFaults(),
    requireTurn: async (record) => {
      if (record !== undefined) await requireEnded(dependencies.stepFunctions, record);
    },
    warn: (message) => warnings.push(message),
  });
  const { userName, changes, stack, keyPolicies } = draft;
  return {
    planSchemaVersion: 1,
    operation,
    userName,
    hash: hashOf(operation, draft),
    converges: changes.every(({ action }) => action === 'retain'),
    changes,
    ...(stack && { stack }),
    keyPolicies,
    cost: costOf(draft),
    warnings,
  };
}

async function draftOf(planned: Planned, dependencies: Dependencies, looking: Looking): Promise<Draft> {
  try {
    return await drafts[planned.operation](planned.request, dependencies, looking);
  } catch (error) {
    // Found by what later steps do, where the checks of the first have found nothing.
    const isFault = error instanceof StepError && !(error instanceof KeyPolicyBusy);
    throw isFault ? new Faults([error]) : error;
  }
}

const drafts = {
  'onboard-subscriber': draftOnboarding,
  'update-subscriber': draftUpdate,
  'upgrade-subscriber': draftUpgrade,
  'add-user': draftUsers,
  'offboard-subscriber': draftOffboarding,
} as const satisfies Record<Operation, (...looked: Parameters<typeof draftOnboarding>) => Promise<Draft>>;

/** Of what was seen and would be done, without times, and whatever the order in which AWS returns it. */
function hashOf(operation: Operation, { changes, keyPolicies, seen }: Draft): string {
  const policies = keyPolicies.map(({ keyArn, before, after }) => [keyArn, canonical(before), canonical(after)]);
  // As JSON first: what is undefined is then absent.
  return canonicalHash(JSON.parse(JSON.stringify({ operation, changes, policies, seen })));
}
