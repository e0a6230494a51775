import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { bootSandbox, type Sandbox } from '../../../sandbox/boot.ts';
import { account, fixtures, operator } from '../../../sandbox/core/account.ts';
import { casesInScope } from '../../scope.ts';
import { onboard, requestFor, requestWithKey, spoken, useSandbox } from '../sandbox.ts';
import { leaksOf } from '../secret-scan.ts';
import { credentialsOf, roleNameOf } from '../subscriber.ts';

const sandbox = useSandbox();
const root = join(import.meta.dirname, '../../..');

/** Runs the command in a process of its own, and returns all that it prints. */
function command(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['cli/start.ts', ...args], { cwd: root }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

describe('the command', () => {
  const options = [[], ['--json']];
  const ends = ['success', 'failure'] as const;
  const runs = options.flatMap((given, row) =>
    ends.map((end, column) => ({ end, options: given, isUsual: row === column })),
  );

  // Each is a process. The usual run has each way to print, and each end.
  it.each(
    casesInScope(
      runs,
      runs.filter(({ isUsual }) => isUsual),
    ),
  )('prints no secret, in $end, with $options', async ({ end, options }) => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-test-'));
    const userName = `printed-${end}-${options.length}`;
    const store = (name: string, password: string) => {
      const secretId = `infinstor/sandbox/input/${userName}/${name}`;
      sandbox().secretsManager.createSecret(secretId, JSON.stringify({ password }));
      return secretId;
    };
    const print = async (request: object) => {
      const file = join(folder, 'request.json');
      await writeFile(file, JSON.stringify(request));
      const output = await command('--endpoint', sandbox().endpoint, ...options, file);
      spoken.push(output);
      return output;
    };
    try {
      if (end === 'failure') {
        const weak = { ...requestFor(userName), passwordSecretId: store('weak', 'weak-marker-without-capitals') };
        expect(await print(weak)).toContain('InfinStorRejected');
        return;
      }
      const strong = requestWithKey(userName, fixtures.trackingKeyArn);
      expect(await print({ ...strong, passwordSecretId: store('strong', 'Strong-Marker-0815!') })).toContain(
        roleNameOf(userName),
      );
      const credentials = sandbox().secretsManager.value(credentialsOf(userName));
      expect(credentials).toContain('Strong-Marker-0815!');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the scan', () => {
  const secret = 'Leaked-Marker-4711!';
  let given: Sandbox;

  beforeEach(async () => {
    const environment = { ALLOWED_TAG_KEYS: 'note' };
    given = await bootSandbox({ packageFolder: inject('packageFolder'), skipIdle: true, environment });
    given.secretsManager.createSecret('infinstor/sandbox/input/leaky/leaked', JSON.stringify({ password: secret }));
  });
  afterEach(() => given.close());

  const client = () => ({ endpoint: given.endpoint, region: account.region, credentials: operator });

  /** How a secret gets into each place. */
  const leaks: Record<string, () => Promise<unknown> | undefined> = {
    executions: () => onboard(given, { ...requestFor('leaky'), stack: { tags: { note: secret.replace('!', '') } } }),
    events: () =>
      new EventBridgeClient(client()).send(
        new PutEventsCommand({
          Entries: [{ Source: 'infinstor.onboarding', DetailType: 'y', Detail: JSON.stringify({ secret }) }],
        }),
      ),
    async queues() {
      const sqs = new SQSClient(client());
      const QueueName = 'infinstor-onboarding-sandbox-refused-events';
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: secret }));
    },
    registry: () =>
      new DynamoDBClient(client()).send(
        new PutItemCommand({ TableName: given.registryTable, Item: { pk: { S: 'x' }, sk: { S: secret } } }),
      ),
    stacks() {
      const { standIn } = given.templates;
      given.templates.publish('9.9', standIn.replace('    NoEcho: true\n', ''));
      return onboard(given, { ...requestFor('leaky'), stack: { build: '9.9' } });
    },
    'log events.log'() {
      appendFileSync(join(given.logFolder, 'events.log'), `password ${secret}\n`);
      return undefined;
    },
  };

  it('finds nothing where nothing leaked', async () => {
    await onboard(given, requestFor('tight'));
    expect(await leaksOf(given)).toEqual([]);
  });

  it.each(Object.keys(leaks).filter((place) => place !== 'executions'))('finds a secret in %s', async (place) => {
    await leaks[place]?.();
    expect(await leaksOf(given)).toEqual([place]);
  });

  it('finds a secret in executions, and in the events that tell of them', async () => {
    given.secretsManager.createSecret(
      'infinstor/sandbox/input/leaky/tag',
      JSON.stringify({ password: secret.replace('!', '') }),
    );
    await leaks.executions?.();
    expect(await leaksOf(given)).toEqual(expect.arrayContaining(['executions', 'events']));
  });

  it('finds a secret in what was shown, also escaped, and one that was never stored', async () => {
    expect(await leaksOf(given, [`it is ${secret}`])).toEqual(['spoken']);
    expect(await leaksOf(given, ['{"x":"a \\"quoted\\" one"}'], ['a "quoted" one'])).toEqual(['spoken']);
    expect(await leaksOf(given, [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln`])).toEqual(['spoken']);
  });

  it('refuses a secret that it could not tell from other text', async () => {
    given.secretsManager.createSecret('infinstor/sandbox/input/leaky/short', JSON.stringify({ password: 'short' }));
    await expect(leaksOf(given)).rejects.toThrow('a secret of 5 characters');
  });
});
