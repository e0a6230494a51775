import type { At } from '../../../../cli/doctor/finding.ts';
import { sandboxAt } from '../../../../cli/target/target.ts';
import { operationSchema } from '../../../../lib/subscribers/operations.ts';

const machine = (name: string) =>
  `arn:aws:states:us-east-1:111111111111:stateMachine:infinstor-onboarding-prod-${name}`;

/** A stage as checks get it. */
export const at = (change: Partial<At['deployment']> = {}): At => ({
  target: { ...sandboxAt('http://sandbox.example'), stage: 'prod' },
  deployment: {
    ...{ stage: 'prod', accountId: '111111111111', region: 'us-east-1' },
    ...{ stackStatus: 'UPDATE_COMPLETE', registryTable: 'registry', version: '1.2.3', outputs: {} },
    machines: {
      'onboard-subscriber': machine('onboard-subscriber'),
      'update-subscriber': machine('update-subscriber'),
      'upgrade-subscriber': machine('upgrade-subscriber'),
      'add-user': machine('add-user'),
      'offboard-subscriber': machine('offboard-subscriber'),
    },
    operations: operationSchema.options,
    functionName: (name) => `infinstor-onboarding-prod-${name}`,
    ...change,
  },
  command: (words) => `onboarding ${words}`,
  aws: (words) => `aws ${words}`,
});
