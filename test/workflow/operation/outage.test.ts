import * as v from 'valibot';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { byScope } from '../../scope.ts';
import { ended, recordOf, requestFor, startOnboarding, withSandbox } from '../sandbox.ts';
import { callsOf, credentialsOf, fault, subscribersNamed } from '../subscriber.ts';
import { liveThrough } from './outage.ts';

const { names, hours } = byScope({
  usual: { names: 1, hours: 1 },
  all: { names: 2, hours: 24 },
  long: { names: 50, hours: 24 },
});

const credentialsSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ state: v.string(), customToken: v.optional(v.string()) }),
);

const credentialsIn = ({ secretsManager }: Sandbox, name: string) =>
  v.parse(credentialsSchema, secretsManager.value(credentialsOf(name)));

it(`an outage of ${hours} hours, with ${names} subscribers whose requests are resent every ten minutes, loses nothing`, () =>
  withSandbox({}, async (given) => {
    const all = Array.from({ length: names }, (_, index) => `outage-${index}`);
    const outage = await liveThrough(given, { names: all, hours });
    expect(outage.minutesToRecover).toBeLessThanOrEqual(60);
    expect(outage.maxYoungVersions).toBeLessThanOrEqual(20);
    expect(given.cognito.lockoutsOf(fixtures.superadmin.userName)).toBe(0);
    // It was an outage: each kind has ended executions.
    expect(Object.keys(outage.errors)).toEqual(
      expect.arrayContaining(['SubscriberOutcomeUnknown', 'InfinStorUnavailable', 'LoginsPaused']),
    );
    for (const name of all) {
      expect(subscribersNamed(given, name)).toHaveLength(1);
      expect(credentialsIn(given, name)).toEqual({
        state: 'created',
        customToken: given.infinstor.customTokenOf(name),
      });
      const record = await recordOf(given, name);
      expect([record?.status, record?.creating]).toEqual([{ S: 'ACTIVE' }, undefined]);
    }
  }));

/** So many onboardings that begin at the same time. */
const many = Array.from({ length: byScope({ usual: 4, all: 50, long: 50 }) }, (_, index) => `many-${index}`);

async function onboardAtOnce(sandbox: Sandbox, userNames: readonly string[]) {
  const started = await Promise.all(userNames.map((userName) => startOnboarding(sandbox, requestFor(userName))));
  await sandbox.clock.quiet();
  return Promise.all(started.map(({ executionArn }) => ended(sandbox, executionArn)));
}

it(`${many.length} executions at once whose tokens are refused store a few versions, and go on when that is over`, () =>
  withSandbox({}, async (given) => {
    fault(given, 'infinstor:add_subscriber:error=401:9999');
    const refused = await onboardAtOnce(given, many);
    // Who has seen three refused tokens itself, and who comes when all are to wait.
    for (const { error } of refused) expect(['TokenRejected', 'LoginsPaused']).toContain(error?.name);
    // The first login, and the two that replace refused tokens.
    expect(given.secretsManager.youngVersions().get('infinstor/sandbox/superadmin-token')).toBe(3);
    expect(callsOf(given, 'InitiateAuth')).toBe(3);
    given.faults.clear();
    given.clock.advance(16 * 60_000);
    const reports = await onboardAtOnce(given, many);
    expect(reports.filter(({ error }) => error !== null)).toEqual([]);
    expect(Math.max(...given.secretsManager.youngVersions().values())).toBeLessThanOrEqual(3);
  }));

it(`${many.length} executions at once log in once`, () =>
  withSandbox({ environment: { VERIFY: 'off' } }, async (given) => {
    const reports = await onboardAtOnce(given, many);
    expect(reports.filter(({ error }) => error !== null)).toEqual([]);
    expect(callsOf(given, 'InitiateAuth')).toBe(1);
  }));
