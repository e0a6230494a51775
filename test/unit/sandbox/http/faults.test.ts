import { describe, expect, it } from 'vitest';
import { createFaults, parseFault, textOfFault } from '../../../../sandbox/core/faults.ts';
import { answerFaults } from '../../../../sandbox/http/faults.ts';

const post = (body: unknown) => ({ method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const rules = ['kms:PutKeyPolicy:throttle:2', 'states:StartExecution:error=Some:1', 'sqs:SendMessage:delay=20:9999'];
const contentOf = ({ body }: { body: string }) => JSON.parse(body);

describe('answerFaults', () => {
  it('adds, lists and removes faults', () => {
    const faults = createFaults([]);
    expect(contentOf(answerFaults(post({ faults: rules }), faults))).toEqual({ faults: rules });
    expect(faults.take('kms', 'PutKeyPolicy')).toEqual({ kind: 'throttle' });
    expect(contentOf(answerFaults({ method: 'GET', body: '' }, faults)).faults[0]).toBe('kms:PutKeyPolicy:throttle:1');
    expect(contentOf(answerFaults({ method: 'DELETE', body: '' }, faults))).toEqual({ faults: [] });
    expect(faults.left()).toBe(0);
  });

  it.each([
    ['a rule that is wrong', post({ faults: ['kms:PutKeyPolicy:drop', 'kms:Encrypt:drop'] }), 400, 'unknown operation'],
    ['what is not JSON', post('kms:PutKeyPolicy:drop'), 400, 'The body must be {"faults"'],
    ['another field', post({ faults: [], fault: 'x' }), 400, 'The body must be'],
    ['another method', { method: 'PUT', body: '' }, 405, 'takes POST, GET and DELETE, not PUT'],
  ])('refuses %s, and adds none', (_, request, status, message) => {
    const faults = createFaults([]);
    const answer = answerFaults(request, faults);
    expect(answer.status).toBe(status);
    expect(contentOf(answer).error).toEqual({ name: 'InvalidRequest', message: expect.stringContaining(message) });
    expect(faults.left()).toBe(0);
  });
});

describe('textOfFault', () => {
  it.each([...rules, 'events:StackStatusChange:late:1', 'kms:DescribeKey:stale:1'])('gives back %s', (text) => {
    expect(textOfFault(parseFault(text))).toBe(text);
  });
});
