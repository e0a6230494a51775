import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtures } from '../../../sandbox/core/account.ts';
import { casesInScope } from '../../scope.ts';
import { offboardingPath } from '../../workflow/sandbox.ts';
import { command, commandIn } from './command.ts';
import { isForCloudFormation, stackOfSandbox } from './deployment.ts';
import { done, entered, executionFailed, history, lambdaFails, started, succeeded } from './history.ts';

const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1';
const policy = { Version: '2012-10-17', Statement: [] };
const output = { userName: 'acme', stackId: 'the-stack', roleArn: 'the-role', keyArns: [fixtures.artifactsKeyArn] };

/** What the endpoint says of the one execution; each test sets its own. */
let execution: { description: object; events: ReturnType<typeof history> };
const success = {
  description: {
    status: 'SUCCEEDED',
    startDate: 1_767_225_600,
    stopDate: 1_767_225_606,
    output: JSON.stringify(output),
  },
  events: history(started, done('AcceptRequest'), succeeded),
};
const refusal = (error: string) => ({
  description: {
    status: 'FAILED',
    error,
    cause: JSON.stringify({ errorType: error, errorMessage: 'subscriber.userName: is too long' }),
  },
  events: history(started, entered('AcceptRequest'), lambdaFails(error), executionFailed),
});

const server = createServer((request, response) => {
  if (isForCloudFormation(request)) {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/xml' }).end(stackOfSandbox);
    return;
  }
  const operation = String(request.headers['x-amz-target']).split('.')[1];
  const answers: Record<string, () => object> = {
    StartExecution: () => ({ executionArn, startDate: 0 }),
    DescribeExecution: () => ({ executionArn, ...execution.description }),
    GetExecutionHistory: () => ({
      events: execution.events.map((event) => ({ ...event, timestamp: (event.timestamp?.getTime() ?? 0) / 1000 })),
    }),
    GetKeyPolicy: () => ({ Policy: JSON.stringify(policy), PolicyName: 'default' }),
  };
  const answer = answers[operation ?? ''];
  request.resume().on('end', () => {
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(answer ? answer() : { __type: 'UnknownOperationException' }));
  });
});
let endpoint: string;
beforeAll(async () => {
  endpoint = await listen(server);
});
afterAll(() => server.close());

async function listen(listener: Server): Promise<string> {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
}

const documentSchema = v.looseObject({ status: v.string(), error: v.nullable(v.looseObject({ name: v.string() })) });
const reportSchema = v.looseObject({ history: v.array(v.looseObject({ state: v.string() })) });
const document = (stdout: string) => v.parse(documentSchema, JSON.parse(stdout));

describe('npm start', () => {
  it('prints one document and nothing else with --json', async () => {
    execution = success;
    const { status, stdout, stderr } = await command('--json', '--endpoint', endpoint);
    expect(document(stdout)).toEqual({
      schemaVersion: 1,
      status: 'SUCCEEDED',
      executionArn,
      durationMs: 6000,
      transitions: 1,
      output,
      credentialsSecretId: null,
      error: null,
      keyPolicies: { [fixtures.artifactsKeyArn]: policy, [fixtures.trackingKeyArn]: policy },
      history: [
        {
          state: 'AcceptRequest',
          attempt: 1,
          enteredAt: '2026-01-01T00:00:01.000Z',
          exitedAt: '2026-01-01T00:00:05.000Z',
        },
      ],
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('shows states and result as plain text without a terminal', async () => {
    execution = success;
    const { status, stdout, stderr } = await command('--endpoint', endpoint);
    expect(stdout).toMatch(/AcceptRequest +4\.0 s {2}ok\n/);
    expect(stdout).toMatch(/✔ Onboarded acme in 6\.0 s.*\n +Stack +the-stack\n +Role +the-role\n/);
    expect(stdout).not.toMatch(/\p{Cc}(?<!\n)/u);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  // That others end with 1 is also seen of the sandbox of a failed onboarding below.
  const failures = [
    ['InvalidRequest', 2],
    ['LoginRejected', 1],
  ] as const;

  it.each(casesInScope(failures, failures.slice(0, 1)))(
    'ends a failure with %s with status %i',
    async (name, expected) => {
      execution = refusal(name);
      const { status, stdout } = await command('--json', '--endpoint', endpoint);
      expect(document(stdout)).toMatchObject({
        status: 'FAILED',
        executionArn,
        error: { name, step: 'AcceptRequest' },
      });
      expect(status).toBe(expected);
    },
  );

  it('ends with its sandbox when the onboarding fails', async () => {
    const { status, stdout } = await command('--json', '--fault', 'infinstor:add_subscriber:drop');
    expect(document(stdout)).toMatchObject({ status: 'FAILED', error: { name: 'SubscriberOutcomeUnknown' } });
    expect(status).toBe(1);
  });

  const tours = [
    ['update', { changed: ['emailId'] }, ['AcceptUpdate', 'ObtainToken', 'UpdateSubscriber', 'CompleteUpdate']],
    ['offboard', { retained: [{ type: 'AWS::S3::Bucket' }, { type: 'AWS::DynamoDB::Table' }] }, offboardingPath],
  ] as const;

  // Usually that of users, whose test is the next one.
  it.each(casesInScope(tours, []))(
    'onboards the example in a sandbox of its own before an %s',
    async (operation, output, states) => {
      const { status, stdout } = await command(operation, '--json');
      const report = v.parse(reportSchema, JSON.parse(stdout));
      expect(report).toMatchObject({ status: 'SUCCEEDED', output: { userName: 'acme', ...output } });
      expect(report.history.map(({ state }) => state)).toEqual(states);
      expect(status).toBe(0);
    },
  );

  it('shows which users were added, and in its first and last lines that the sandbox is a throw-away one', async () => {
    const { status, stdout } = await command('add-user', 'examples/add-user-team.json');
    const shown = stdout.trimEnd().split('\n');
    expect(shown[0]).toContain('throw-away sandbox');
    expect(shown.at(-1)).toContain('throw-away sandbox');
    expect(stdout).toMatch(/\n✔ Added users to acme \(sandbox\) in \d+\.\d s\n(?: {2}.*\n)*$/);
    expect(stdout).toMatch(/^ +Credentials +infinstor\/sandbox\/subscribers\/acme\/credentials$/m);
    expect(stdout.match(/^ +User +\w+ +added +infinstor\/sandbox\/subscribers\/acme\/users\/\w+$/gm)).toHaveLength(3);
    expect(status).toBe(0);
  });

  // One of wrong usage, and one of a wrong request: what is wrong of it is read in the process by request.test.ts.
  const wrong: [string, string[]][] = [
    ['an unknown option', ['--verbose']],
    ['a file that is not there', ['none.json']],
    ['an offboarding that is not confirmed', ['offboard', 'examples/update-email.json']],
    ['a file that is not JSON', ['LICENSE']],
  ];

  it.each(casesInScope(wrong, wrong.slice(0, 2)))('has a document for %s, and starts nothing', async (_, args) => {
    const { status, stdout } = await command('--json', ...args);
    expect(document(stdout)).toMatchObject({ executionArn: null, error: { name: 'InvalidRequest', step: null } });
    expect(status).toBe(2);
  });

  const wrongOfKeys: [string, string[]][] = [
    ['no key', ['key-policies', 'foo']],
    // Its options come first, and cannot be read: the document is that of the command all the same.
    ['an unknown option', ['--verbose', 'key-policies', fixtures.artifactsKeyArn]],
  ];

  it.each(casesInScope(wrongOfKeys, wrongOfKeys.slice(1)))(
    'has a document of key-policies for its usage with %s',
    async (_, args) => {
      const { status, stdout } = await command('--json', ...args);
      expect(JSON.parse(stdout)).toEqual({
        schemaVersion: 1,
        status: 'FAILED',
        keyArn: null,
        error: expect.objectContaining({ name: 'InvalidRequest', step: null }),
      });
      expect(status).toBe(2);
    },
  );

  it('explains wrong usage and its remedy to people', async () => {
    const { status, stdout, stderr } = await command('--verbose');
    expect(stderr).toMatch(/Reason +InvalidRequest: Unknown option '--verbose'\n +Remedy +Run the command with --help/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('explains itself with --help', async () => {
    const { status, stdout } = await command('--help');
    expect(stdout).toContain('Usage: npm start');
    expect(status).toBe(0);
  });

  it.each([
    [
      'a page',
      200,
      '<!DOCTYPE html><p>hello',
      /EndpointUnreachable: What answers at the endpoint is neither AWS nor a s/,
    ],
    ['a refusal', 404, 'Not Found', /EndpointUnreachable: What answers at the endpoint is neither AWS nor a sandbox/],
    ['nothing', 200, '', /DeploymentNotFound: The sandbox at http:\S+ has no stack infinstor-onboarding-sandbox/],
  ])('says plainly that %s of something else answers at the endpoint', async (_, status, body, reason) => {
    const other = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status, { 'content-type': 'text/html' }).end(body));
    });
    const { stderr } = await command('status', 'acme', '--endpoint', await listen(other));
    other.close();
    expect(stderr).toMatch(reason);
    expect(stderr).not.toMatch(/Deserialization|hidden field|Unexpected token/);
  });

  it('does not let settings for real AWS stand between it and a sandbox', async () => {
    execution = success;
    const { status, stderr } = await commandIn(
      {
        AWS_ENDPOINT_URL: endpoint,
        AWS_USE_FIPS_ENDPOINT: 'true',
        AWS_USE_DUALSTACK_ENDPOINT: 'true',
        AWS_ENDPOINT_URL_SFN: 'http://elsewhere.invalid',
        AWS_RETRY_MODE: 'none',
        AWS_MAX_ATTEMPTS: 'none',
        AWS_DEFAULTS_MODE: 'none',
      },
      '--json',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('says plainly that nothing answers at the endpoint', async () => {
    const gone = createServer();
    const nowhere = await listen(gone);
    gone.close();
    await once(gone, 'close');
    const { status, stderr } = await command('--endpoint', nowhere);
    expect(stderr).toMatch(/Reason +EndpointUnreachable: Nothing answers at the endpoint: .*ECONNREFUSED/);
    expect(stderr).toMatch(/Remedy +Start a sandbox with `npm run sandbox`/);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
  });
});
