import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keyPolicies } from '../../../../cli/commands/key-policies.ts';
import { isForCloudFormation, stackOfSandbox } from '../deployment.ts';
import { sessionFor } from '../session.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
const execution = (name: string) => `arn:aws:states:us-east-1:111111111111:execution:x-onboard-subscriber:${name}`;
const statement = (Sid: string, AWS: string | string[] = '111111111111') => ({
  Sid,
  Effect: 'Allow',
  Principal: { AWS },
});
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });
const kept = (minute: number, document: object, more: object = {}) => ({
  id: `2026-01-01T12:0${minute}:00.000Z#owner`,
  keptAt: `2026-01-01T12:0${minute}:00.000Z`,
  hash: String(minute).repeat(64),
  by: execution(`acme-${minute}`),
  policy: JSON.stringify(document),
  ...more,
});
type Kept = ReturnType<typeof kept>;

/** What the endpoint has; each test sets its own. */
let policyBackups: Kept[] = [];
/** The key's policy at each read, the last one for ever; undefined: KMS does not know the key. */
let inForce: (object | undefined)[] = [];
/** What the function answers to each invocation. */
let restores: object[] = [];
let asked: Record<string, unknown>[] = [];

const wire = (item: object) =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, typeof value === 'boolean' ? { BOOL: value } : { S: value }]),
  );
const answers: Record<string, (input: { ExclusiveStartKey?: { n: { N: string } } }) => object | undefined> = {
  // Pages of two.
  Query: ({ ExclusiveStartKey }) => {
    const start = Number(ExclusiveStartKey?.n.N ?? 0);
    const hasMore = start + 2 < policyBackups.length;
    return {
      Items: policyBackups.slice(start, start + 2).map(wire),
      ...(hasMore && { LastEvaluatedKey: { n: { N: String(start + 2) } } }),
    };
  },
  GetKeyPolicy: () => {
    const [next] = inForce.length > 1 ? inForce.splice(0, 1) : inForce;
    return next && { Policy: JSON.stringify(next), PolicyName: 'default' };
  },
  Invoke: () => restores.shift(),
};

const server = createServer(async (request, response) => {
  if (isForCloudFormation(request)) {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/xml' }).end(stackOfSandbox);
    return;
  }
  const invoked = /\/functions\/([^/]+)\/invocations/.exec(request.url ?? '')?.[1];
  const operation = invoked === undefined ? String(request.headers['x-amz-target']).split('.')[1] : 'Invoke';
  const region = /Credential=\w+\/\d+\/([\w-]+)\//.exec(String(request.headers.authorization))?.[1];
  const input = await json(request);
  asked.push({ operation, region, input, ...(invoked !== undefined && { functionName: invoked }) });
  const answer = answers[operation ?? '']?.(input as object);
  const isError = answer !== undefined && 'errorType' in answer;
  response.writeHead(answer ? 200 : 404, {
    'content-type': 'application/x-amz-json-1.0',
    ...(isError && { 'x-amz-function-error': 'Unhandled' }),
    ...(!answer && { 'x-amzn-errortype': invoked ? 'ResourceNotFoundException' : 'NotFoundException' }),
  });
  response.end(JSON.stringify(answer ?? { __type: 'NotFoundException', message: 'there is none' }));
});
let endpoint: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
});
afterAll(() => server.close());

beforeEach(() => {
  asked = [];
  restores = [];
  policyBackups = [
    kept(1, policy(statement('Owner'))),
    kept(2, policy(statement('Owner'), statement('Roles', 'a'))),
    kept(3, policy(statement('Roles', 'a')), { by: 'arn:aws:iam::111111111111:user/operator', eventId: 'event-1' }),
  ];
  inForce = [policy(statement('Owner'), statement('Roles', ['a', 'b']))];
});

/** Runs the command without a terminal. */
async function run(action: { name: 'list' } | { name: 'show' | 'restore'; policyId: string }) {
  const written: string[] = [];
  const pauses: number[] = [];
  const session = sessionFor(endpoint, (text) => written.push(text));
  const wait = async (milliseconds: number) => pauses.push(milliseconds);
  const options = action.name === 'list' ? {} : { [action.name]: action.policyId };
  const outcome = await keyPolicies({ words: [keyArn], options }, session, wait).then(
    (result) => ({ ...result, error: undefined }),
    (error: unknown) => ({ document: undefined, text: '', error }),
  );
  return { ...outcome, progress: written.join(''), pauses };
}

const policyId = '2026-01-01T12:02:00.000Z#owner';
const questions = (operation: string) => asked.filter((question) => question.operation === operation);

describe('the list of kept policies', () => {
  it('has all pages, with what changed from each to the next and to the policy in force', async () => {
    const { document } = await run({ name: 'list' });
    expect(document).toEqual({
      status: 'SUCCEEDED',
      keyArn,
      policies: [
        { ...kept(1, {}), policy: undefined, changes: { added: 1, removed: 0, changed: 0 } },
        { ...kept(2, {}), policy: undefined, changes: { added: 0, removed: 1, changed: 0 } },
        {
          ...kept(3, {}),
          policy: undefined,
          by: 'arn:aws:iam::111111111111:user/operator',
          eventId: 'event-1',
          changes: { added: 1, removed: 0, changed: 1 },
        },
      ],
      // The deployment has no function that knows it.
      room: null,
      error: null,
    });
    expect(questions('Query')).toHaveLength(2);
    expect(questions('Query')[0]).toMatchObject({
      region: 'us-east-1',
      input: {
        TableName: 'infinstor-onboarding-sandbox-registry',
        ExpressionAttributeValues: { ':pk': { S: `KEY#${keyArn}` } },
      },
    });
    expect(questions('GetKeyPolicy')).toMatchObject([{ region: 'eu-west-1', input: { KeyId: keyArn } }]);
  });

  it('shows people id, time, who wrote over it or wrote it, abbreviated hash and changes', async () => {
    const { text } = await run({ name: 'list' });
    expect(text).toContain(`3 policies kept of ${keyArn}, oldest first\n`);
    expect(text).toContain(
      [
        '  Policy       2026-01-01T12:01:00.000Z#owner',
        `  Kept         2026-01-01T12:01:00.000Z, before ${execution('acme-1')} wrote over it`,
        '  Hash         111111111111',
        '  Changes      +1 statement compared with the next kept policy',
        '',
      ].join('\n'),
    );
    expect(text).toContain('12:03:00.000Z, as arn:aws:iam::111111111111:user/operator wrote it\n');
    expect(text).toContain('Changes      +1 statement, ~1 statement compared with the policy in force\n');
  });

  it('says that changes may be the work of several, and which policy was not written over after all', async () => {
    policyBackups = [kept(1, policy(statement('Owner')), { overwritten: false })];
    const { text, document } = await run({ name: 'list' });
    expect(text).toContain(`12:01:00.000Z, before ${execution('acme-1')} intended to write over it, but did not\n`);
    expect(text).toMatch(/\nChanges count .*; they include manual edits\.\n/);
    expect(document).toMatchObject({ policies: [{ overwritten: false }] });
  });

  it('says so when nothing is kept, nothing changed, or KMS does not return the policy in force', async () => {
    policyBackups = [];
    expect((await run({ name: 'list' })).text).toMatch(/^No policy of \S+ is kept: /);
    policyBackups = [kept(1, policy(statement('Owner')))];
    inForce = [policy(statement('Owner'))];
    expect((await run({ name: 'list' })).text).toMatch(
      /^1 policy kept .*Changes +no difference compared with the policy in force\n/s,
    );
    inForce = [undefined];
    const { text, document } = await run({ name: 'list' });
    expect(text).toMatch(/Changes +the policy in force cannot be read\n/);
    expect(document).toMatchObject({ policies: [{ changes: null }] });
  });
});

describe('the room on the key', () => {
  const answered = (statusCode: number, body: object) => [{ statusCode, body: JSON.stringify(body) }];
  const room = {
    ...{ keyArn, policyBytes: 1000, limitBytes: 32_768, reservedBytes: 0, freeBytes: 31_768, subscribersThatFit: 9 },
    ...{ grants: [], drift: [], policyBackups: 3 },
  };

  it('stands before the list, as the function get-key returns it', async () => {
    restores = answered(200, room);
    const { document, text } = await run({ name: 'list' });
    expect(document).toMatchObject({ keyArn, room });
    expect(text).toMatch(/^Room on arn:aws:kms:.*\n {2}1000\/32768 {2}bytes\n {2}Room +for 9 more .*3 policies kept/s);
    expect(questions('Invoke')).toMatchObject([
      { functionName: 'infinstor-onboarding-sandbox-get-key', input: { pathParameters: { keyId: keyArn } } },
    ]);
  });

  it('is the reason why it is not known, beside the list', async () => {
    const error = { name: 'KeyPolicyBusy', message: 'asked too often', remedy: 'Ask again.' };
    restores = answered(503, { ...error, detail: error.message });
    const { document, text } = await run({ name: 'list' });
    expect(document).toMatchObject({ room: { error }, policies: [{}, {}, {}] });
    expect(text).toMatch(/Not read +KeyPolicyBusy: asked too often.*3 policies kept/s);
  });

  it('is left out of a key that the deployment does not know', async () => {
    restores = answered(404, { name: 'KeyNotFound', detail: 'is not known', remedy: 'Check it.' });
    const { document, text } = await run({ name: 'list' });
    expect(document).toMatchObject({ room: null });
    expect(text).toMatch(/^3 policies kept/);
  });

  it('is not asked for when a policy is shown', async () => {
    await run({ name: 'show', policyId });
    expect(questions('Invoke')).toEqual([]);
  });
});

it('a key that KMS does not know, and of which nothing is kept, is reported', async () => {
  policyBackups = [];
  inForce = [undefined];
  expect((await run({ name: 'list' })).error).toMatchObject({
    name: 'NotFoundException',
    message: `No policy of ${keyArn} is kept, and KMS does not return the one in force: there is none`,
    remedy: expect.stringContaining("Check the key's ARN"),
  });
});

describe('a kept policy', () => {
  it('is shown with how it differs from the policy in force', async () => {
    const { document, text } = await run({ name: 'show', policyId });
    const shown = policy(statement('Owner'), statement('Roles', 'a'));
    expect(document).toEqual({
      status: 'SUCCEEDED',
      keyArn,
      ...kept(2, {}),
      policy: shown,
      inForce: inForce[0],
      difference: expect.arrayContaining(['-           "b"']),
      error: null,
    });
    expect(text).toContain(`\n${JSON.stringify(shown, undefined, 2)}\n`);
    expect(text).toMatch(/Compared with the policy in force .*:\n.*\n {2}- +"b"\n/s);
    expect(text).not.toMatch(/^ {2}\+/m);
  });

  it('is shown when it is the one in force, when that cannot be read, and when it is no JSON', async () => {
    policyBackups = [kept(2, {}, { policy: 'non\u001bsense' })];
    inForce = [undefined];
    const { document, text } = await run({ name: 'show', policyId });
    expect(document).toMatchObject({ policy: 'non\u001bsense', inForce: null, difference: null });
    expect(text).toMatch(/\nnon sense\n\nThe policy in force cannot be read\.\n/);
    const same = policy(statement('Owner'));
    policyBackups = [kept(2, same)];
    inForce = [same];
    const shown = await run({ name: 'show', policyId });
    expect(shown.text).toContain('\nThe policy in force is the same.\n');
    expect(shown.document).toMatchObject({ difference: [] });
  });

  it('that is not there is InvalidRequest, with what to do', async () => {
    const { error } = await run({ name: 'show', policyId: 'none' });
    expect(error).toMatchObject({
      name: 'InvalidRequest',
      step: null,
      remedy: expect.stringMatching(/key-policies .*, and use one of the ids listed\.$/),
    });
  });
});

describe('a restore', () => {
  const busy = { errorType: 'KeyPolicyBusy', errorMessage: 'The policy is being changed', trace: [] };
  const previousPolicyId = '2026-01-01T12:09:00.000Z#restorer';
  const restored = { keyArn, policyId, changed: true, previousPolicyId };
  const unchanged = { keyArn, policyId, changed: false };
  const after = policy(statement('Owner'), statement('Backup'), statement('Roles', ['a', 'b']));

  it('is asked of the function, and shows the diff of the policy', async () => {
    restores = [restored];
    const [before] = inForce;
    inForce = [before, after];
    const { document, text, progress } = await run({ name: 'restore', policyId });
    expect(questions('Invoke')).toMatchObject([
      {
        functionName: 'infinstor-onboarding-sandbox-restore-key-policy',
        region: 'us-east-1',
        input: { keyArn, policyId },
      },
    ]);
    expect(document).toEqual({ status: 'SUCCEEDED', ...restored, refusedRoles: [], before, after, error: null });
    expect(progress).toMatch(/^\nRestoring the key policy of \S+ …\n {2}RestoreKeyPolicy +\d+\.\d s {2}ok\n$/);
    expect(text).toContain('\nRestored\n');
    expect(text).toMatch(/^ {2}\+ +"Sid": "Backup",$/m);
    expect(text).toContain(
      `To undo this, restore the policy that was in force before: --restore ${previousPolicyId}\n`,
    );
  });

  it('of what is in force already changes nothing', async () => {
    restores = [unchanged];
    const { text, document } = await run({ name: 'restore', policyId });
    expect(document).toMatchObject({ changed: false, previousPolicyId: null });
    expect(text).toMatch(/^\nNothing to restore\n.*: unchanged \(already up to date\)\n$/s);
  });

  it('that a try has done whose outcome was not known is reported as done', async () => {
    restores = [busy, unchanged];
    inForce = [inForce[0], after];
    const { document, text } = await run({ name: 'restore', policyId });
    expect(document).toMatchObject({ changed: true });
    expect(text).toContain(
      'To undo this, restore the policy that was in force before: the last in the list by restore-key-policy.\n',
    );
  });

  it('is not reported as done because the policy could not be read before', async () => {
    restores = [unchanged];
    inForce = [undefined, after];
    const { document, text } = await run({ name: 'restore', policyId });
    expect(document).toMatchObject({ changed: false, after });
    expect(text).toContain('The policy in force cannot be read.');
  });

  it('names the roles that still have not got the key', async () => {
    const refusedRoles = [{ roleArn: 'the-role', name: 'PrincipalNotVisible', message: 'KMS cannot see it' }];
    restores = [{ ...restored, refusedRoles }];
    const { document, text } = await run({ name: 'restore', policyId });
    expect(document).toMatchObject({ refusedRoles });
    expect(text).toMatch(
      /Role +the-role\n +Reason +PrincipalNotVisible: KMS cannot see it\n +Remedy +If it needs the key, redrive/,
    );
  });

  it('waits for another writer, longer than a lease is good for and a read is stale', async () => {
    restores = [busy, busy, restored];
    const { document, progress, pauses } = await run({ name: 'restore', policyId });
    expect(document).toMatchObject({ status: 'SUCCEEDED' });
    expect(pauses).toEqual([2_000, 4_000]);
    expect(progress).toMatch(
      / RestoreKeyPolicy +\d+\.\d s {2}retried {2}KeyPolicyBusy\n +wait before attempt 2 +2\.0 s {2}waited\n +RestoreKeyPolicy \(attempt 2\) .*\n.* 4\.0 s {2}waited\n.*\(attempt 3\) +\d+\.\d s {2}ok\n$/s,
    );
  });

  it('gives up in the end', async () => {
    restores = Array.from({ length: 9 }, () => busy);
    const { error, pauses } = await run({ name: 'restore', policyId });
    expect(error).toMatchObject({
      name: 'KeyPolicyBusy',
      message: 'The policy is being changed',
      step: 'RestoreKeyPolicy',
    });
    expect(pauses.reduce((sum, pause) => sum + pause)).toBeGreaterThan(60_000);
    expect(questions('Invoke')).toHaveLength(pauses.length + 1);
  });

  it('that fails otherwise is reported immediately, with what to do', async () => {
    restores = [{ errorType: 'KeyPolicyOrphan', errorMessage: 'It names AROAGONE', trace: [] }];
    const { error, progress, pauses } = await run({ name: 'restore', policyId });
    expect(error).toMatchObject({
      name: 'KeyPolicyOrphan',
      message: 'It names AROAGONE',
      remedy: expect.stringContaining('Put the kept policy by hand'),
    });
    expect(progress).toMatch(/RestoreKeyPolicy +\d+\.\d s {2}failed {2}KeyPolicyOrphan\n$/);
    expect(pauses).toEqual([]);
  });

  it('where the deployment has no such function is reported', async () => {
    const { error } = await run({ name: 'restore', policyId });
    expect(error).toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('Lambda answered: '),
      remedy: expect.stringContaining('of this version'),
    });
  });
});
