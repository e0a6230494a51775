import { describe, expect, it } from 'vitest';
import { eventsOf, onboard, recordOf, requestFor, run, statesOf, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();

describe('an update', () => {
  it('works', async () => {
    await onboard(sandbox(), requestFor('first'));
    sandbox().secretsManager.createSecret('infinstor/sandbox/input/first', JSON.stringify({ password: 'New-Password-4711!' }));
    const report = await run(sandbox(), 'update-subscriber', { subscriber: { userName: 'first', emailId: 'new@example.com' }, passwordSecretId: 'infinstor/sandbox/input/first' });
    expect(report.error).toBeNull();
    console.log(report.output, statesOf(report), eventsOf(sandbox(), report), await recordOf(sandbox(), 'first'));
  });
});
