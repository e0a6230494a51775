import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { isWhole } from '../../scope.ts';
import { onboard, run, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();

/** The lines of the functions' loggers, in which metrics have no part. */
function logLines(): Record<string, unknown>[] {
  const files = readdirSync(sandbox().logFolder).filter((file) => file.startsWith('infinstor-onboarding-'));
  return files
    .flatMap((file) => readFileSync(join(sandbox().logFolder, file), 'utf8').split('\n'))
    .filter((line) => line.startsWith('{') && !line.includes('CloudWatchMetrics'))
    .map((line) => v.parse(v.record(v.string(), v.unknown()), JSON.parse(line)));
}

describe('each log line of an execution', () => {
  it('names the subscriber, the execution and the request', async () => {
    const userName = 'traced';
    const origin = { requestedBy: 'pipeline', correlationId: 'run-4711' };
    const { executionArn } = await onboard(sandbox(), {
      subscriber: { userName, emailId: 'mlops@traced.example' },
      origin,
    });
    if (isWhole) {
      await run(sandbox(), 'update-subscriber', { subscriber: { userName, emailId: 'ml@traced.example' }, origin });
      await run(sandbox(), 'add-user', {
        subscriber: { userName },
        users: [{ userName: 'traced-user', emailId: 'user@traced.example' }],
        origin,
      });
    }
    await run(sandbox(), 'offboard-subscriber', { subscriber: { userName }, confirm: userName, origin });
    await sandbox().clock.quiet();
    const lines = logLines();
    const services = new Set(lines.map(({ service }) => service));
    expect(services.size).toBeGreaterThan(isWhole ? 20 : 12);
    expect(lines.some((line) => line.executionArn === executionArn)).toBe(true);
    // Whose stack an event is of is known when the wait for it is found, which has no more.
    const isEvent = ({ service }: Record<string, unknown>) => service === 'resume-on-stack-event';
    for (const line of lines.filter((each) => !isEvent(each))) {
      expect(line).toMatchObject({
        userName,
        executionArn: expect.stringMatching(/:execution:/),
        correlationId: 'run-4711',
      });
    }
    const resumed = lines.filter((line) => isEvent(line) && line.executionArn !== undefined);
    expect(resumed.length).toBeGreaterThan(0);
    for (const line of resumed) expect(line).toMatchObject({ userName });
  });
});
