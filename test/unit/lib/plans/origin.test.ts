import { describe, expect, it } from 'vitest';
import { originIn, requestOf, takeOrigin } from '../../../../lib/plans/origin.ts';

const request = { subscriber: { userName: 'acme' } };
const origin = { requestedBy: 'arn:aws:sts::111111111111:assumed-role/pipeline/build-7', correlationId: 'run-7' };

describe('the origin of an execution', () => {
  it('stands beside the request, and is no part of it', () => {
    expect(takeOrigin({ ...request, origin })).toEqual({ request, origin });
    expect(takeOrigin({ ...request, origin: { requestedBy: 'me' } })).toEqual({
      request,
      origin: { requestedBy: 'me' },
    });
    expect(requestOf({ ...request, origin: 7 })).toEqual(request);
  });

  it.each([[request], [undefined], [null], ['text'], [[1, 2]]])('is none of %j, which stays as it is', (input) => {
    expect(takeOrigin(input)).toEqual({ request: input, origin: undefined });
    expect(originIn(input)).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['a text', 'me', '/origin'],
    ['null', null, '/origin'],
    ['nobody', {}, '/origin/requestedBy'],
    ['an empty name', { requestedBy: '' }, '/origin/requestedBy'],
    ['a name of two lines', { requestedBy: 'a\nb' }, '/origin/requestedBy'],
    ['a name that turns the line around', { requestedBy: 'a\u202eb' }, '/origin/requestedBy'],
    ['a long name', { requestedBy: 'x'.repeat(1001) }, '/origin/requestedBy'],
    ['a correlation id with a blank', { requestedBy: 'me', correlationId: 'a b' }, '/origin/correlationId'],
    ['a long correlation id', { requestedBy: 'me', correlationId: 'x'.repeat(129) }, '/origin/correlationId'],
    ['anything else', { requestedBy: 'me', role: 'admin' }, '/origin/role'],
  ])('is refused with %s, and not shown', (_, wrong, pointer) => {
    const faults = expect.arrayContaining([expect.objectContaining({ pointer })]);
    expect(() => takeOrigin({ ...request, origin: wrong })).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', faults }),
    );
    expect(originIn({ ...request, origin: wrong })).toBeUndefined();
  });
});
