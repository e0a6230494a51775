import { afterEach, describe, expect, it } from 'vitest';
import { parseFault } from '../../sandbox/faults.ts';
import {
  eventsOf,
  eventually,
  expectFailure,
  expectOneOfEach,
  newKey,
  onboard,
  recordOf,
  requestFor,
  useSandbox,
  withSandbox,
} from './sandbox.ts';
import {
  type Effect,
  effectsOf as effectsIn,
  faultAt,
  interruptAndRecover as interrupt,
  placed,
  type Way,
  ways,
  waysAt,
} from './side-effects.ts';

// A minute for each resource: a stack's operation is over only after time was skipped, and not meanwhile.
const sandbox = useSandbox({ resourceDelayMs: 60_000 });

afterEach(() => {
  sandbox().faults.clear();
});

let runs = 0;

/** A subscriber of its own for each run, with two keys of its own, when no token of an earlier run is good any more. */
function newRun() {
  runs += 1;
  sandbox().clock.advance(31 * 60_000);
  const [artifactsKey, trackingKey] = [newKey(sandbox()), newKey(sandbox())];
  const userName = `effect-${runs}`;
  const request = {
    ...requestFor(userName),
    encryption: {
      artifacts: { type: 'sse-kms-customer-managed', keyArn: artifactsKey },
      tracking: { type: 'customer-managed', keyArn: trackingKey },
    },
  };
  return { userName, keyArns: [artifactsKey, trackingKey], request };
}
type Run = ReturnType<typeof newRun>;

/** A stack of the run that was rolled back, and is in the way of the next attempt. */
async function rolledBack(run: Run): Promise<Run> {
  sandbox().faults.add(parseFault('infinstor:register:error=503'));
  const failed = await onboard(sandbox(), run.request);
  await expectFailure(sandbox(), failed, { name: 'StackFailed', step: 'WaitForStack' });
  const status = () => sandbox().cloudFormation.stack(`infinstor-subscriber-${run.userName}`)?.status;
  await eventually(sandbox(), async () => expect(await status()).toBe('ROLLBACK_COMPLETE'));
  return run;
}

const effectsOf = (work: () => Promise<unknown>) => effectsIn(sandbox(), work);

const interruptAndRecover = (run: Run, effect: Effect, way: Way) =>
  interrupt(sandbox(), () => onboard(sandbox(), run.request), effect, way);

const straightLine = [
  'accept-request dynamodb:UpdateItem',
  'cognito:InitiateAuth',
  'obtain-token secretsmanager:PutSecretValue',
  'create-subscriber secretsmanager:CreateSecret',
  'infinstor:add_subscriber',
  'create-subscriber secretsmanager:PutSecretValue',
  'deploy-stack cloudformation:CreateStack',
  'await-stack dynamodb:PutItem',
  'resume-on-stack-event states:SendTaskSuccess',
  // Of each key: grant, lease, policy kept, policy written, grant applied, lease given back.
  'patch-key-policy dynamodb:PutItem',
  'patch-key-policy dynamodb:UpdateItem',
  'patch-key-policy dynamodb:PutItem #2',
  'patch-key-policy kms:PutKeyPolicy',
  'patch-key-policy dynamodb:UpdateItem #2',
  'patch-key-policy dynamodb:UpdateItem #3',
  'patch-key-policy dynamodb:PutItem #3',
  'patch-key-policy dynamodb:UpdateItem #4',
  'patch-key-policy dynamodb:PutItem #4',
  'patch-key-policy kms:PutKeyPolicy #2',
  'patch-key-policy dynamodb:UpdateItem #5',
  'patch-key-policy dynamodb:UpdateItem #6',
  // The end check's, as the subscriber.
  'cognito:InitiateAuth #2',
  'complete-onboarding events:PutEvents',
  'complete-onboarding dynamodb:UpdateItem',
];

describe('the straight line', () => {
  it('has no side effects but those that are interrupted below', async () => {
    const run = newRun();
    expect(await effectsOf(() => onboard(sandbox(), run.request))).toEqual(straightLine);
  });

  const lostForEver = 'infinstor:add_subscriber';

  describe.each(placed(straightLine).filter(({ effect }) => effect !== lostForEver))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: one of each', async (way) => {
      const run = newRun();
      expectOneOfEach(sandbox(), await interruptAndRecover(run, effect, way), run);
      expect(await recordOf(sandbox(), run.userName)).toMatchObject({ status: { S: 'ACTIVE' } });
    });
  });

  describe(lostForEver, () => {
    it.each(ways)('$kind, then $recovery: one subscriber, no stack, until its token is supplied', async (way) => {
      const run = newRun();
      const report = await interruptAndRecover(run, lostForEver, way);
      await expectFailure(sandbox(), report, { name: 'SubscriberOutcomeUnknown', step: 'CreateSubscriber' });
      expect(report.error?.message).toContain('InfinStor has the subscriber');
      const { infinstor, cloudFormation, secretsManager } = sandbox();
      expect(infinstor.subscribers().filter(({ userName }) => userName === run.userName)).toHaveLength(1);
      expect(cloudFormation.stack(`infinstor-subscriber-${run.userName}`)).toBeUndefined();

      const customTokenSecretId = `infinstor/sandbox/input/${run.userName}`;
      const customToken = infinstor.customTokenOf(run.userName);
      secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
      expectOneOfEach(sandbox(), await onboard(sandbox(), { ...run.request, customTokenSecretId }), run);
    });
  });
});

describe('beside the straight line', () => {
  it.each(waysAt(0))('the mark that is taken back after a refusal: $kind, then $recovery', async (way) => {
    const run = newRun();
    // The first token is refused: the mark is taken back, and made again with the next token.
    sandbox().faults.add(parseFault('infinstor:add_subscriber:error=401'));
    const report = await interruptAndRecover(run, 'create-subscriber secretsmanager:PutSecretValue', way);
    expectOneOfEach(sandbox(), report, run);
  });

  it.each(waysAt(3))('a custom token that the request supplies: $kind, then $recovery', async (way) => {
    const run = newRun();
    sandbox().faults.add(parseFault('infinstor:add_subscriber:drop'));
    await onboard(sandbox(), run.request);
    const customTokenSecretId = `infinstor/sandbox/input/${run.userName}`;
    const customToken = sandbox().infinstor.customTokenOf(run.userName);
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken }));
    const supplied = { ...run, request: { ...run.request, customTokenSecretId } };
    const report = await interruptAndRecover(supplied, 'create-subscriber secretsmanager:PutSecretValue', way);
    expectOneOfEach(sandbox(), report, run);
  });
});

const overARolledBackStack = [
  'deploy-stack cloudformation:DeleteStack',
  'resume-on-stack-event states:SendTaskFailure',
  'deploy-stack cloudformation:CreateStack',
];

describe('the way over a stack that was rolled back', () => {
  it('has no further side effects but those that are interrupted below', async () => {
    const run = await rolledBack(newRun());
    const effects = await effectsOf(() => onboard(sandbox(), run.request));
    // The last event of the rollback may find the first attempt's wait, which is over, during the second.
    const further = effects.filter((effect) => /(DeleteStack|SendTaskFailure|CreateStack)$/.test(effect));
    expect(further).toHaveLength(overARolledBackStack.length);
    expect(further).toEqual(expect.arrayContaining(overARolledBackStack));
  });

  describe.each(placed(overARolledBackStack))('$effect', ({ effect, place }) => {
    it.each(waysAt(place))('$kind, then $recovery: one of each', async (way) => {
      const run = await rolledBack(newRun());
      expectOneOfEach(sandbox(), await interruptAndRecover(run, effect, way), run);
    });
  });
});

describe('the record of a failure', () => {
  const effects = ['record-failure events:PutEvents', 'record-failure dynamodb:UpdateItem'];
  /** Ends in ReadRoleArn. */
  const fail = (run: Run) => {
    sandbox().faults.add(parseFault('iam:GetRole:error=AccessDenied'));
    return onboard(sandbox(), run.request);
  };

  it('has no side effects but those that are interrupted below', async () => {
    const run = newRun();
    const recorded = await effectsOf(async () => {
      await expectFailure(sandbox(), await fail(run), { name: 'AccessDenied', step: 'ReadRoleArn' });
    });
    expect(recorded.filter((effect) => effect.startsWith('record-failure'))).toEqual(effects);
  });

  it.each(effects.flatMap((effect) => (['drop', 'kill'] as const).map((kind) => ({ effect, kind }))))(
    '$effect, $kind: it is told all the same',
    async ({ effect, kind }) => {
      const run = newRun();
      sandbox().faults.add(faultAt(effect, kind));
      await expectFailure(sandbox(), await fail(run), { name: 'AccessDenied', step: 'ReadRoleArn' });
      expect(sandbox().faults.left()).toBe(0);
    },
  );
});

describe('the sweep', () => {
  // Its first run comes five minutes after the deployment, when the execution has ended unseen.
  it.each(['events:PutEvents', 'dynamodb:UpdateItem'])('that dies after %s tells of the failure all the same', (call) =>
    withSandbox({ schedules: true }, async (given) => {
      given.faults.add({ ...parseFault('events:ExecutionStatusChange:lose'), times: 9 });
      given.faults.add(parseFault('iam:GetRole:error=AccessDenied'));
      const report = await onboard(given, requestFor('unseen'));
      expect(eventsOf(given, report)).toEqual([]);
      given.faults.add(faultAt(`sweep-executions ${call}`, 'kill'));
      given.clock.advance(5 * 60_000);
      await expectFailure(given, report, { name: 'AccessDenied', step: 'ReadRoleArn' });
    }),
  );
});
