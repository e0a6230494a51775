import { expect, it } from 'vitest';
import { errorName } from '../../../../lib/aws/error-name.ts';

const thrown = (name: string, fields: object = {}) => Object.assign(new Error('text'), { name, ...fields });
const answered = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

it.each([
  ['a refused connection', thrown('Error', { code: 'ECONNREFUSED' }), 'NetworkingError'],
  ['a name that DNS did not find', thrown('Error', { code: 'EAI_AGAIN' }), 'NetworkingError'],
  ['refused connections to all addresses', thrown('AggregateError', { code: 'ECONNREFUSED' }), 'NetworkingError'],
  [
    'a connection that was reset, as the client names it',
    thrown('TimeoutError', { code: 'ECONNRESET' }),
    'TimeoutError',
  ],
  ['a page where JSON is expected', thrown('SyntaxError', answered(503)), 'ServerError'],
  ['a text where XML is expected', thrown('Error', answered(500)), 'ServerError'],
  ['an empty answer', thrown('Unknown', answered(502)), 'ServerError'],
  ['throttling by a load balancer', thrown('SyntaxError', answered(429)), 'ServerError'],
  ['an answer of 4xx that cannot be read', thrown('SyntaxError', answered(400)), 'SyntaxError'],
  ['an error of the service', thrown('InternalFailure', answered(500)), 'InternalFailure'],
  ['a refusal', thrown('AccessDenied', answered(403)), 'AccessDenied'],
  ['JSON that is none', thrown('SyntaxError'), 'SyntaxError'],
  ['a file that is not there', thrown('Error', { code: 'ENOENT' }), 'Error'],
  ['an error of programming', thrown('TypeError'), 'TypeError'],
])('names %s', (_, error, name) => {
  expect(errorName(error)).toBe(name);
});
