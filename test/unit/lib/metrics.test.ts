import { expect, it, vi } from 'vitest';
import { metricsIn } from '../../../lib/metrics.ts';
import { now } from '../functions/lambda.ts';

it('a value is one line in the embedded metric format, with what it is of beside it', () => {
  vi.useFakeTimers({ now });
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  metricsIn('infinstor-onboarding-dev')('KeyRoomUsed', 12.5, { keyArn: 'arn:aws:kms:us-east-1:111111111111:key/a' });
  const lines = write.mock.calls.map(([line]) => String(line));
  expect(lines).toEqual([expect.stringMatching(/^\{[^\n]+\}\n$/)]);
  expect(JSON.parse(lines.join(''))).toEqual({
    _aws: {
      Timestamp: now.getTime(),
      CloudWatchMetrics: [
        {
          Namespace: 'infinstor-onboarding-dev',
          Dimensions: [[]],
          Metrics: [{ Name: 'KeyRoomUsed', Unit: 'Percent' }],
        },
      ],
    },
    keyArn: 'arn:aws:kms:us-east-1:111111111111:key/a',
    KeyRoomUsed: 12.5,
  });
});
