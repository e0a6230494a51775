import { afterEach, describe, expect, it } from 'vitest';
import { statesOf, useSandbox } from '../sandbox.ts';
import { newRun, onboarded, stackOf } from '../subscriber.ts';
import { upgrade, upgradePath } from './upgrading.ts';

const sandbox = useSandbox();

afterEach(() => {
  sandbox().faults.clear();
});

describe('an upgrade', () => {
  it('brings the stack to another build', async () => {
    const { userName, request } = newRun('upgrade');
    await onboarded(sandbox(), request);
    sandbox().templates.publish('9.1', sandbox().templates.standIn.replace('Default: 3600', 'Default: 7200'));
    const report = await upgrade(sandbox(), { subscriber: { userName }, stack: { build: '9.1' } });
    expect(report.error).toBeNull();
    expect(statesOf(report)).toEqual(upgradePath);
    expect(stackOf(sandbox(), userName)?.status).toBe('UPDATE_COMPLETE');
  });
});
