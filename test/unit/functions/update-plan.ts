import type { UpdatePlan } from '../../../lib/plans/update.ts';

export const updateArn = 'arn:aws:states:us-east-1:111111111111:execution:update-subscriber:acme-2';

/** The plan of an update of everything. */
export const updatePlan: UpdatePlan = {
  subscriber: { userName: 'Acme', emailId: 'new@acme.example' },
  executionArn: updateArn,
  passwordSecretId: 'infinstor/test/input/acme/new-password',
  credentialsSecretId: 'infinstor/test/subscribers/acme/credentials',
  changed: ['emailId', 'password'],
  sent: ['emailId', 'password'],
};
