import { expect } from 'vitest';
import type { keyPolicy } from '../../../functions/key-policy.ts';

export const by = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1';
export const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
export const named = (name: string) => expect.objectContaining({ name });
/** A statement of the owner's. */
export const foreign = {
  Sid: 'Allow the backup team',
  Effect: 'Allow',
  Principal: { AWS: '222222222222' },
  Action: 'kms:Decrypt',
  Resource: '*',
};
export const withForeign = (policy: ReturnType<typeof keyPolicy>) => ({
  ...policy,
  Statement: [foreign, ...policy.Statement],
});
