import { describe, expect, it } from 'vitest';
import { eventsOf, onboard, recordOf, requestFor, run, statesOf, useSandbox } from './sandbox.ts';

const sandbox = useSandbox();

describe('adding users', () => {
  it('works', async () => {
    await onboard(sandbox(), requestFor('First'));
    const user = (userName: string) => ({ userName, emailId: `${userName}@example.com` });
    const report = await run(sandbox(), 'add-user', {
      subscriber: { userName: 'first' },
      users: [user('alice'), user('bob')],
    });
    expect(report.error).toBeNull();
    expect([report.output, statesOf(report), eventsOf(sandbox(), report), await recordOf(sandbox(), 'first')]).toEqual(
      1,
    );
  });
});
