import * as v from 'valibot';
import { parseRequest, type RequestRules } from '../../../../../lib/requests/onboarding.ts';
import { requestRules } from '../../../functions/plan.ts';

export const prefix = requestRules.inputSecretPrefix;
export const subscriber = { userName: 'acme', emailId: 'mlops@acme.example' };
export const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
export const otherKeyArn = 'arn:aws:kms:us-east-1:111111111111:key/mrk-22222222222242228222222222222222';
/** Parses a request of which the deployment lists all parameters and tags. */
export const parse = (request: unknown, rules: Partial<RequestRules> = {}) =>
  parseRequest(request, {
    ...requestRules,
    allowedStackParameters: namesIn(request, 'parameters'),
    allowedTagKeys: namesIn(request, 'tags'),
    ...rules,
  });
const namesIn = (request: unknown, field: string): string[] => {
  const stack = v.safeParse(v.object({ stack: v.object({ [field]: v.looseObject({}) }) }), request);
  return stack.success ? Object.keys(stack.output.stack[field] ?? {}) : [];
};
export const named = (userName: unknown) => ({ subscriber: { ...subscriber, userName } });
export const withStack = (stack: unknown) => ({ subscriber, stack });
export const tagsOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`tag${index}`, 'x']));
