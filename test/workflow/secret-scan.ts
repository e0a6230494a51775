import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Sandbox } from '../../sandbox/boot.ts';
import { account, otherAccount } from '../../sandbox/core/account.ts';

/** What a secret of the deployment holds that nobody else may see. */
const confidential = ['password', 'customToken', 'idToken', 'refreshToken'];
const secretSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()));

// What a credential looks like that was issued and perhaps never stored.
const shapes = [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/, /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[\w-]{64,}/];

/** Every password and token that the sandbox's secrets have ever held. */
function secretsOf({ secretsManager }: Sandbox): string[] {
  return secretsManager.everyValue().flatMap((text) => {
    const secret = v.safeParse(secretSchema, text);
    if (!secret.success) return [];
    return Object.entries(secret.output).flatMap(([name, value]) => {
      if (!confidential.includes(name) || typeof value !== 'string' || value === '') return [];
      // A shorter one could stand anywhere by chance: a test that needs one makes it unique.
      if (value.length < 12)
        throw new Error(`The scan cannot tell a secret of ${value.length} characters from other text`);
      return [value];
    });
  });
}

/** Everything that runs leave behind outside Secrets Manager, by place. */
async function tracesOf(sandbox: Sandbox, spoken: readonly string[]): Promise<Record<string, string>> {
  const { states, events, sqs, dynamoDb, registryTable, logFolder } = sandbox;
  const stacks = [account, otherAccount].flatMap(({ accountId }) =>
    ['us-east-1', 'eu-west-1'].flatMap((region) => sandbox.world({ accountId, region }).cloudFormation.descriptions()),
  );
  const refused = new Set(
    states
      .executions()
      .filter(isRefusedForPassword)
      .map(({ executionArn }) => executionArn),
  );
  const executions = states.executions().map(({ executionArn, status, input, output, error, cause, history }) => ({
    executionArn,
    status,
    output,
    error,
    cause,
    ...(refused.has(executionArn) ? { history: history.map(withoutData) } : { input, history }),
  }));
  // What callers put on the bus themselves is theirs.
  const own = events.published().filter(({ source }) => /^(aws\.|infinstor\.)/.test(source));
  const published = own.map((event) => {
    const isOfRefused = 'executionArn' in event.detail && refused.has(String(event.detail.executionArn));
    return isOfRefused ? { ...event, detail: { ...event.detail, input: undefined } } : event;
  });
  const logs = readdirSync(logFolder).map((file) => [`log ${file}`, readFileSync(join(logFolder, file), 'utf8')]);
  return {
    executions: JSON.stringify(executions),
    events: JSON.stringify(published),
    queues: JSON.stringify(sqs.messages(sandbox.physicalId('RefusedEvents').split('/').at(-1) ?? '')),
    registry: JSON.stringify(await dynamoDb.items(registryTable)),
    stacks: JSON.stringify(stacks),
    spoken: spoken.join('\n'),
    ...Object.fromEntries(logs),
  };
}

/** The one kind of execution whose input holds a secret: refused for it, with the advice to choose another one. */
function isRefusedForPassword({ error, cause = '' }: { error?: string; cause?: string }): boolean {
  return error === 'InvalidRequest' && /password: must not be in the request/.test(cause);
}

function withoutData(event: object): object {
  return JSON.parse(JSON.stringify(event, (key, value) => (key === 'input' ? undefined : value)));
}

/**
 * The places that hold a secret, of all runs of a sandbox so far.
 * @param spoken what was shown to people and callers
 * @param markers secrets that were never stored, such as a password in a request that was refused
 */
export async function leaksOf(
  sandbox: Sandbox,
  spoken: readonly string[] = [],
  markers: readonly string[] = [],
): Promise<string[]> {
  const secrets = [...secretsOf(sandbox), ...sandbox.infinstor.secretAccessKeys(), ...markers].flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
  ]);
  const traces = Object.entries(await tracesOf(sandbox, spoken));
  return traces
    .filter(([, text]) => secrets.some((secret) => text.includes(secret)) || shapes.some((shape) => shape.test(text)))
    .map(([place]) => place);
}
