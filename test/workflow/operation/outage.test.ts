import * as v from 'valibot';
import { expect, it } from 'vitest';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { fixtures } from '../../../sandbox/core/account.ts';
import { byScope } from '../../scope.ts';
import { recordOf, withSandbox } from '../sandbox.ts';
import { credentialsOf, subscribersNamed } from '../subscriber.ts';
import { liveThrough } from './outage.ts';

const { names, hours } = byScope({
  usual: { names: 2, hours: 3 },
  all: { names: 4, hours: 24 },
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
      expect(credentialsIn(given, name)).toEqual({ state: 'created', customToken: given.infinstor.customTokenOf(name) });
      const record = await recordOf(given, name);
      expect([record?.status, record?.creating]).toEqual([{ S: 'ACTIVE' }, undefined]);
    }
    console.log(JSON.stringify(outage), process.cpuUsage());
  }));
