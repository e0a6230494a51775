import type { PolicyDocument } from '../../../../../sandbox/core/operation.ts';

export const roleArn = 'arn:aws:iam::111111111111:role/deployer';

export type Element = Record<string, unknown>;

export const policy = (...statements: Element[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
});
/** A statement that allows everything, but for these elements. */
export const allow = (element: Element = {}) => ({ Effect: 'Allow', Action: '*', Resource: '*', ...element });
