import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { account, operator } from '../../../sandbox/core/account.ts';
import { happyPath, onboard, requestFor, statesOf, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();
const rule = () => ({ Name: sandbox().physicalId('ResumeOnStackEventRule') });

function eventBridge() {
  return new EventBridgeClient({ endpoint: sandbox().endpoint, region: account.region, credentials: operator });
}

describe('waiting for the stack', () => {
  it('is ended by the stack event: await-stack runs once', async () => {
    const report = await onboard(sandbox(), requestFor('with-events'));
    expect(statesOf(report)).toEqual(happyPath);
    // Far below the slow poll's 600 s.
    expect(report.durationMs).toBeLessThan(60_000);
  });

  it('is ended by the slow poll when no event arrives', async () => {
    await eventBridge().send(new DisableRuleCommand(rule()));
    const report = await onboard(sandbox(), requestFor('without-events'));
    await eventBridge().send(new EnableRuleCommand(rule()));
    expect(report.status).toBe('SUCCEEDED');
    expect(statesOf(report).filter((state) => state === 'WaitForStack')).toHaveLength(2);
    expect(report.durationMs).toBeGreaterThanOrEqual(600_000);
  });
});
