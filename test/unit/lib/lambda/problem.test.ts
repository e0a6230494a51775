import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { ApiProblem, type ApiProblemName, apiProblems } from '../../../../lib/api-problem.ts';
import { InvalidConfiguration, InvalidRequest, OnboardingInProgress } from '../../../../lib/errors.ts';
import { callSchema, readCaller } from '../../../../lib/lambda/http.ts';
import { respond } from '../../../../lib/lambda/problem.ts';
import { know, withKnownSecrets } from '../../../../lib/redact.ts';
import { read } from '../../../docs/documents.ts';

const requestId = '11111111-1111-4111-8111-111111111111';

/** What is answered when this is thrown, and what is logged. */
async function answer(error: unknown) {
  const lines: unknown[] = [];
  const log = vi.fn((...line: unknown[]) => lines.push(line));
  const logger = { warn: log, error: log } as never;
  const invocation = { functionArn: 'arn', requestId, remainingMs: () => 1000 };
  const response = await respond({ logger, invocation }, () => Promise.reject(error));
  return { ...response, problem: JSON.parse(response.body), logged: JSON.stringify(lines) };
}

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('a problem', () => {
  it('has the members of RFC 9457, and name and remedy', async () => {
    const { headers, problem } = await answer(new OnboardingInProgress('acme', 'arn:x'));
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '30' });
    expect(problem).toEqual({
      type: 'urn:infinstor-onboarding:docs/runbook.md#onboardinginprogress',
      title: 'Onboarding in progress',
      status: 409,
      detail: 'Subscriber acme is being changed by arn:x',
      instance: `urn:uuid:${requestId}`,
      name: 'OnboardingInProgress',
      remedy: OnboardingInProgress.remedy,
      executionArn: 'arn:x',
    });
  });

  it('names each place that is wrong, a hundred at most', async () => {
    const faults = Array.from({ length: 120 }, (_, n) => ({ field: `f${n}`, pointer: `/f${n}`, rule: 'is wrong' }));
    const { problem } = await answer(new InvalidRequest(faults));
    expect(problem.errors).toHaveLength(100);
    expect(problem.errors[1]).toEqual({ pointer: '/f1', detail: 'is wrong' });
  });

  it.each([
    ['ThrottlingException', 503, 'AwsBusy', '5'],
    ['TimeoutError', 503, 'AwsBusy', '5'],
    ['AccessDeniedException', 500, 'InternalError', undefined],
    ['TypeError', 500, 'InternalError', undefined],
  ])('hides what %s says, which is in the log', async (name, status, problemName, retryAfter) => {
    const { headers, problem, logged } = await answer(named(name, 'of the inside'));
    expect([problem.status, problem.name, headers['retry-after']]).toEqual([status, problemName, retryAfter]);
    expect(JSON.stringify(problem)).not.toContain('inside');
    expect(logged).toContain(name);
    expect(logged).toContain('inside');
  });

  it("of the deployment is its own error's, without secrets", async () => {
    await withKnownSecrets(async () => {
      know('Problem-Marker-1');
      const { problem, logged } = await answer(new InvalidConfiguration('accounts: Problem-Marker-1'));
      expect(problem).toMatchObject({ status: 500, name: 'InvalidConfiguration', remedy: InvalidConfiguration.remedy });
      expect(JSON.stringify([problem, logged])).not.toContain('Problem-Marker-1');
    });
  });

  it.each(Object.entries(apiProblems))(
    "%s has a section in docs/api.md, and the API's status %i",
    async (name, status) => {
      const { problem } = await answer(new ApiProblem(v.parse(v.picklist(names), name), 'a', 'b'));
      expect(problem).toMatchObject({ status, type: `urn:infinstor-onboarding:docs/api.md#${name.toLowerCase()}` });
      expect(read('docs/api.md')).toContain(`### ${name}\n`);
    },
  );
});

const names = [
  'SubscriberNotFound',
  'KeyNotFound',
  'NothingToRetry',
  'IdempotencyKeySpent',
  'IdempotencyKeyReused',
  'InternalError',
  'AwsBusy',
  'IndexNotReady',
] as const satisfies ApiProblemName[];

describe('who calls', () => {
  const userArn = 'arn:aws:iam::111111111111:user/pipeline';
  const keys: object[] = [];
  const logger = { appendKeys: (added: object) => void keys.push(added) };
  const caller = (event: object) => readCaller(v.parse(callSchema, event), { invocation: { requestId }, logger });
  const signed = { requestContext: { requestId: 'JKJaXmPLvHcESHA=', authorizer: { iam: { userArn } } } };

  it('is known by the signature, and the call by header, key or request, in this order', () => {
    const key = { 'idempotency-key': 'order-7' };
    const both = { ...key, 'x-correlation-id': 'run-1' };
    expect(caller({ ...signed, headers: both }).origin).toEqual({ requestedBy: userArn, correlationId: 'run-1' });
    expect(caller({ ...signed, headers: key })).toMatchObject({
      origin: { correlationId: 'order-7' },
      idempotencyKey: 'order-7',
    });
    expect(caller(signed)).toEqual({
      origin: { requestedBy: userArn, correlationId: 'JKJaXmPLvHcESHA=' },
      idempotencyKey: undefined,
      faults: [],
    });
    expect(keys.splice(0)).toEqual(
      ['run-1', 'order-7', 'JKJaXmPLvHcESHA='].map((correlationId) => ({ correlationId })),
    );
  });

  it('is unknown when the function itself is invoked', () => {
    expect(caller({ version: '2.0' }).origin).toEqual({ requestedBy: 'unknown', correlationId: requestId });
  });

  it.each(['', 'a b', 'x'.repeat(65), 'ä', 'a"b'])('may not send the key "%s"', (key) => {
    const { faults } = caller({ headers: { 'idempotency-key': key, 'x-correlation-id': 'a b' } });
    expect(faults.map(({ pointer }) => pointer)).toEqual(['/Idempotency-Key', '/X-Correlation-Id']);
  });
});
