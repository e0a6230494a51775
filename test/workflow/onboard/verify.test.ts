import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { casesInScope } from '../../scope.ts';
import {
  eventsOf,
  expectFailure,
  expectOneOfEach,
  onboard,
  putSecret,
  recordOf,
  redrive,
  requestFor,
  statesOf,
  useSandbox,
  withSandbox,
} from '../sandbox.ts';
import {
  callsOf,
  credentialsOf,
  fault,
  letTokensExpire,
  newRun,
  type Run,
  roleArnOf,
  supplyToken,
} from '../subscriber.ts';

const warning = useSandbox();
const requiring = useSandbox({ environment: { VERIFY: 'require' } });

afterEach(() => {
  warning().faults.clear();
  requiring().faults.clear();
});

const wrongRole = roleArnOf('other');

interface Problem {
  /** Brings it about for a subscriber that is onboarded; an onboarding that is sent again then meets it. */
  arrange: (sandbox: Sandbox, userName: string) => void;
  reason: RegExp;
  /** Takes it away again, where it does not go by itself. */
  remove?: (sandbox: Sandbox, userName: string) => void;
  /** The failure where the check is required, if it is another one. */
  failure?: string;
}

const withFault = (text: string) => ({
  arrange: (sandbox: Sandbox) => fault(sandbox, text),
});
const register =
  (roleArn: (userName: string) => string) =>
  ({ infinstor }: Sandbox, userName: string) =>
    infinstor.redeem(infinstor.customTokenOf(userName) ?? '', {
      roleArn: roleArn(userName),
      bucketName: 'bucket',
      tableName: 'table',
    });

const problems: Record<string, Problem> = {
  'InfinStor knows another role': {
    arrange: register(() => wrongRole),
    reason: new RegExp(`^InfinStor reports the role ${wrongRole}, and the stack has arn:aws:iam::111111111111:role/`),
    remove: register((userName) => roleArnOf(userName)),
  },
  'InfinStor reports something that is no role': {
    arrange: register(() => 'eyJhbGciOiJIUzI1NiJ9.a.b'),
    reason: /^InfinStor reports no role, and the stack has arn:/,
    remove: register((userName) => roleArnOf(userName)),
  },
  'InfinStor does not take the token': {
    ...withFault('infinstor:customerinfo:error=LoginExpired'),
    reason: /^customerinfo: InfinStor refused the subscriber's token \(status 200\)$/,
  },
  'InfinStor says no': {
    ...withFault('infinstor:customerinfo:error=400'),
    reason: /^customerinfo: InfinStor answered 400: /,
  },
  'the subscriber has another password': {
    arrange: ({ cognito }, userName) => cognito.changeUser(userName, { password: 'Another-Marker-1!' }),
    reason: /^Cognito refused the login of problem-\d+ \(NotAuthorizedException\): the password is wrong/,
    remove({ cognito, secretsManager }, userName) {
      const stored = secretsManager.value(credentialsOf(userName)) ?? '{}';
      cognito.changeUser(userName, { password: JSON.parse(stored).password });
    },
  },
  'Cognito asks for a new password': {
    arrange: ({ cognito }, userName) => cognito.setStatus(userName, 'FORCE_CHANGE_PASSWORD'),
    reason: /challenge NEW_PASSWORD_REQUIRED/,
    remove: ({ cognito }, userName) => cognito.setStatus(userName, 'CONFIRMED'),
  },
};

/** What keeps from finding it out: where the check is required it is retried, and then told under its own name. */
const troubles: Record<string, Problem> = {
  'InfinStor has a trouble': {
    ...withFault('infinstor:customerinfo:error=500:9'),
    reason: /^customerinfo: InfinStor answered 500$/,
    failure: 'InfinStorUnavailable',
  },
  "InfinStor's gateway gives up twice": {
    ...withFault('infinstor:customerinfo:error=EndpointTimedOut:18'),
    reason: /^customerinfo: InfinStor answered 504$/,
    failure: 'InfinStorUnavailable',
  },
  'the answer is lost': {
    ...withFault('infinstor:customerinfo:drop:9'),
    reason: /^customerinfo was sent, and the connection failed/,
    failure: 'InfinStorUnavailable',
  },
  'Cognito is asked too often': {
    ...withFault('cognito:InitiateAuth:throttle:99'),
    reason: /^TooManyRequestsException$/,
    failure: 'TooManyRequestsException',
  },
  'get_version fails': {
    ...withFault('infinstor:get_version:error=503:9'),
    reason: /^get_version: InfinStor answered 503$/,
    failure: 'InfinStorUnavailable',
  },
};
const all = { ...problems, ...troubles };

/** A subscriber that is onboarded and verified; no superadmin token is good any more. */
async function verified(sandbox: Sandbox): Promise<Run> {
  const run = newRun('problem');
  expect((await onboard(sandbox, run.request)).output?.verified).toBe(true);
  letTokensExpire(sandbox);
  return run;
}

describe('the end check', () => {
  it('finds the subscriber with the role of its stack: output and event say so', async () => {
    const { userName, request } = await verified(warning());
    const report = await onboard(warning(), request);
    expect(report.output).toEqual({
      userName,
      stackId: expect.any(String),
      roleArn: roleArnOf(userName),
      keyArns: [],
      changed: [],
      verified: true,
    });
    expect(eventsOf(warning(), report)).toMatchObject([{ detail: { verified: true } }]);
  });

  it("asks once more after the gateway's 504, and no third time", async () => {
    const { request } = await verified(warning());
    fault(warning(), 'infinstor:customerinfo:error=504');
    expect((await onboard(warning(), request)).output?.verified).toBe(true);
  });

  it('looks at nothing where it is off', () =>
    withSandbox({ environment: { VERIFY: 'off' } }, async (sandbox) => {
      const report = await onboard(sandbox, requestFor('unseen'));
      expectOneOfEach(sandbox, report, { userName: 'unseen', keyArns: [] });
      expect(report.output).toMatchObject({ verified: null });
      expect(report.output).not.toHaveProperty('verification');
      expect(callsOf(sandbox, 'customerinfo')).toBe(0);
      // The superadmin's.
      expect(callsOf(sandbox, 'InitiateAuth')).toBe(1);
    }));

  it('does without a password that is not known here', async () => {
    fault(warning(), 'infinstor:add_subscriber:drop');
    await onboard(warning(), { ...requestFor('by-token') });
    const supplied = supplyToken(warning(), 'by-token');
    await putSecret(warning(), credentialsOf('by-token'), { state: 'prepared' });
    const report = await onboard(warning(), { ...requestFor('by-token'), ...supplied });
    expectOneOfEach(warning(), report, { userName: 'by-token', keyArns: [] });
    expect(report.output).toMatchObject({ verified: false, verification: 'its password is not known here' });
  });

  it('names external auth where it may be the cause', () =>
    withSandbox({ infinstor: { externalAuth: 'superadmin in the pool' } }, async (sandbox) => {
      const report = await onboard(sandbox, requestFor('elsewhere'));
      expectOneOfEach(sandbox, report, { userName: 'elsewhere', keyArns: [] });
      expect(report.output).toMatchObject({ verified: false, verification: expect.stringContaining('external auth') });
    }));

  it('does without an API that nobody is at', () =>
    withSandbox({ environment: { INFINSTOR_API_URL: 'https://infinstorapi.invalid' } }, async (sandbox) => {
      const report = await onboard(sandbox, requestFor('alone'));
      expectOneOfEach(sandbox, report, { userName: 'alone', keyArns: [] });
      expect(report.output?.verification).toMatch(/^customerinfo: the connection failed/);
    }));
});

/** The usual run lets each problem be a warning, and each failure come of one of them. */
const required = Object.entries<Problem>(all).filter(
  ([, { failure }], place, rows) => rows.findIndex(([, other]) => other.failure === failure) === place,
);
const modes = ['warn', 'require'] as const;
const cases = Object.entries<Problem>(all).flatMap(([name, problem]) => {
  const isRequired = required.some(([other]) => other === name);
  const chosen = casesInScope(modes, isRequired ? modes : ['warn']);
  return chosen.length === 0 ? [] : [{ name, problem, chosen }];
});

/** The one subscriber of a sandbox that all problems come to, one after the other. */
const subscribers = new Map<Sandbox, Run>();
async function subscriberOf(sandbox: Sandbox): Promise<Run> {
  const run = subscribers.get(sandbox) ?? (await verified(sandbox));
  subscribers.set(sandbox, run);
  letTokensExpire(sandbox);
  return run;
}

describe.each(cases)('where $name', ({ chosen, problem }) => {
  const { arrange, reason, remove, failure = 'SubscriberNotVerified' } = problem;

  if (chosen.includes('warn'))
    it('is a warning, and the subscriber is onboarded all the same', async () => {
      const run = await subscriberOf(warning());
      const warnings = () =>
        readFileSync(join(warning().logFolder, 'infinstor-onboarding-sandbox-verify-subscriber.log'), 'utf8').split(
          '"level":"WARN","message":"the subscriber could not be verified"',
        ).length;
      const before = warnings();
      arrange(warning(), run.userName);
      const report = await onboard(warning(), run.request);
      expectOneOfEach(warning(), report, run);
      expect(report.output).toMatchObject({ verified: false, verification: expect.stringMatching(reason) });
      expect(eventsOf(warning(), report)).toMatchObject([
        {
          'detail-type': 'SubscriberOnboarded',
          detail: { verified: false, verification: report.output?.verification },
        },
      ]);
      expect(await recordOf(warning(), run.userName)).toMatchObject({ status: { S: 'ACTIVE' } });
      expect(warnings()).toBe(before + 1);
      expect(statesOf(report).filter((state) => state === 'VerifySubscriber')).toHaveLength(1);
      // For the next problem.
      remove?.(warning(), run.userName);
    });

  if (chosen.includes('require'))
    it('fails the onboarding where the deployment requires it, and a redrive goes on', async () => {
      const run = await subscriberOf(requiring());
      arrange(requiring(), run.userName);
      const report = await onboard(requiring(), run.request);
      await expectFailure(requiring(), report, { name: failure, step: 'VerifySubscriber' });
      remove?.(requiring(), run.userName);
      requiring().faults.clear();
      const redriven = await redrive(requiring(), report);
      expectOneOfEach(requiring(), redriven, run);
      expect(redriven.output?.verified).toBe(true);
    });
});
