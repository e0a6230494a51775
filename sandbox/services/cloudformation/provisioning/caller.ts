import type { Caller } from '../../../core/operation.ts';
import type { Iam } from '../../iam/service.ts';
import type { Stack } from '../stack.ts';

const via = 'cloudformation.amazonaws.com';

/** Who acts for a stack: its service role as it is now, else who has asked for the operation. */
export const callerFor = (iam: Pick<Iam, 'serviceCaller'>, { roleArn, creator }: Stack): Caller =>
  roleArn === undefined ? { ...creator, via } : iam.serviceCaller(roleArn, via, creator.region);
