import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { fixtures } from '../../sandbox/account.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { onboard, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();

const secretSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/** The passwords and tokens that the sandbox's secrets hold. */
function secretsOf({ secretsManager }: Sandbox, names: readonly string[]): string[] {
  const confidential = ['password', 'customToken', 'idToken', 'refreshToken'];
  return names.flatMap((name) =>
    Object.entries(v.parse(secretSchema, secretsManager.value(name)))
      .filter(([key]) => confidential.includes(key))
      .map(([, value]) => value),
  );
}

/** Everything that a run leaves behind outside Secrets Manager, by place. */
async function tracesOf({
  states,
  events,
  dynamoDb,
  registryTable,
  logFolder,
}: Sandbox): Promise<Record<string, string>> {
  const logs = readdirSync(logFolder).map((file) => [`log ${file}`, readFileSync(join(logFolder, file), 'utf8')]);
  return {
    history: JSON.stringify(
      states.executions().map(({ history, input, output, cause }) => ({ history, input, output, cause })),
    ),
    events: JSON.stringify(events.published()),
    registry: JSON.stringify(await dynamoDb.items(registryTable)),
    ...Object.fromEntries(logs),
  };
}

function placesOf(secrets: readonly string[], traces: Record<string, string>): string[] {
  return Object.entries(traces).flatMap(([place, text]) =>
    secrets.some((secret) => text.includes(secret)) ? [place] : [],
  );
}

describe('secrets', () => {
  it('stay in Secrets Manager: no state, event, log or record of any run holds one', async () => {
    const passwordSecretId = 'infinstor/sandbox/input/chosen';
    sandbox().secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'Chosen-Marker-0815!' }));
    const succeeded = await onboard(sandbox(), {
      subscriber: { userName: 'discreet', emailId: 'mlops@example.com' },
      passwordSecretId,
      encryption: { tracking: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn } },
    });
    expect(succeeded.status).toBe('SUCCEEDED');
    sandbox().secretsManager.createSecret('infinstor/sandbox/input/refused', JSON.stringify({ password: 'refused' }));
    const failed = await onboard(sandbox(), {
      subscriber: { userName: 'refused', emailId: 'mlops@example.com' },
      passwordSecretId: 'infinstor/sandbox/input/refused',
    });
    expect(failed.error?.name).toBe('InfinStorRejected');

    const secrets = secretsOf(sandbox(), [
      fixtures.superadmin.secretId,
      'infinstor/sandbox/superadmin-token',
      'infinstor/sandbox/subscribers/discreet/credentials',
    ]);
    expect(secrets).toHaveLength(5);
    expect(secrets).toContain('Chosen-Marker-0815!');
    const traces = await tracesOf(sandbox());
    expect(Object.values(traces).join('').length).toBeGreaterThan(10_000);
    expect(placesOf(secrets, traces)).toEqual([]);
    // The scan itself: what is there is found.
    expect(placesOf(['discreet'], traces)).toEqual(expect.arrayContaining(['history', 'events', 'registry']));
  });

  it('need no right that the roles do not have', () => {
    expect(sandbox().denials()).toEqual([]);
  });
});
