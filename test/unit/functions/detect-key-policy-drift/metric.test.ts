import { expect, it, vi } from 'vitest';
import { countDrift } from '../../../../functions/detect-key-policy-drift/metric.ts';
import { now } from '../lambda.ts';

it('a key that drifted is counted by one line in the embedded metric format', () => {
  vi.useFakeTimers({ now });
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  countDrift('infinstor-onboarding-dev');
  const lines = write.mock.calls.map(([line]) => String(line));
  expect(lines).toEqual([expect.stringMatching(/^\{[^\n]+\}\n$/)]);
  expect(JSON.parse(lines.join(''))).toEqual({
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: 'infinstor-onboarding-dev',
          Dimensions: [['service']],
          Metrics: [{ Name: 'KeyPolicyDrift', Unit: 'Count' }],
        },
      ],
    },
    service: 'detect-key-policy-drift',
    KeyPolicyDrift: 1,
  });
});
