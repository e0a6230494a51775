import { expect, it } from 'vitest';
import { grantedRoles } from '../../../lib/keys/key-policy.ts';
import { byScope } from '../../scope.ts';
import { callApi } from '../api.ts';
import { ended, newKey, recordOf, withSandbox } from '../sandbox.ts';
import { newRun, policyOf, roleArnOf } from '../subscriber.ts';

const count = byScope({ usual: 8, all: 200, long: 200 });

it(`${count} onboardings at the same time, over four keys, all succeed at the rates that AWS allows`, async () => {
  await withSandbox({ rates: true, resourceDelayMs: 20_000 }, async (sandbox) => {
    const keyArns = Array.from({ length: 4 }, () => newKey(sandbox));
    const runs = Array.from({ length: count }, (_, n) => newRun('rush', [keyArns[n % 4] ?? '']));
    const started = await Promise.all(
      runs.map(async ({ request }) => {
        const { status, body } = await callApi(sandbox, 'POST', '/subscribers', request);
        expect(status).toBe(202);
        return String(Reflect.get(Object(body), 'executionArn'));
      }),
    );
    const reports = await Promise.all(started.map((arn) => ended(sandbox, arn)));
    // The rates were too low for so many at the same time.
    expect(sandbox.calls().some(({ isThrottled }) => isThrottled)).toBe(true);
    expect(reports.flatMap(({ error }) => error ?? [])).toEqual([]);
    for (const { userName } of runs) {
      expect(await recordOf(sandbox, userName)).toMatchObject({ status: { S: 'ACTIVE' } });
    }
    for (const [n, keyArn] of keyArns.entries()) {
      const ofKey = runs.filter((_, place) => place % 4 === n).map(({ userName }) => roleArnOf(userName));
      expect(grantedRoles(policyOf(sandbox, keyArn)).toSorted()).toEqual(ofKey.toSorted());
    }
  });
});
