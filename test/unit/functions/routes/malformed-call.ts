import fc from 'fast-check';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '\u0000', '../x', 'x'.repeat(5000)),
);
/** What stands in place of a part of a request. */
const wrong = fc.oneof(text, fc.jsonValue(), fc.constantFrom(null, [], {}, 0, -1, true));
const userName = fc.constantFrom('acme', 'Acme-1', '-', '', 'a'.repeat(35), 'a/b', 'ä');

/** The parts of requests, each right or wrong, and a member that no request has. */
const body = fc.oneof(
  wrong,
  fc
    .record(
      {
        subscriber: fc.oneof(
          wrong,
          fc.record(
            { userName: fc.oneof(userName, wrong), emailId: fc.oneof(fc.constant('a@b.example'), wrong) },
            { requiredKeys: [] },
          ),
        ),
        users: fc.oneof(
          wrong,
          fc.array(fc.oneof(wrong, fc.record({ userName, emailId: wrong }, { requiredKeys: [] }))),
        ),
        password: wrong,
        passwordSecretId: wrong,
        stack: fc.oneof(wrong, fc.record({ build: wrong, tags: wrong, parameters: wrong }, { requiredKeys: [] })),
        encryption: wrong,
        origin: wrong,
      },
      { requiredKeys: [] },
    )
    .map((request) => ({ ...request, nobodyKnowsThis: 1 })),
);

/** A call of a route that starts something, as its function gets it: each is wrong in some place. */
export const malformedCall = fc.record({
  body: fc.oneof(
    body.map((value) => JSON.stringify(value)),
    text,
  ),
  isBase64Encoded: fc.boolean(),
  pathParameters: fc.record({ userName: fc.oneof(userName, text) }),
  queryStringParameters: fc
    .dictionary(fc.oneof(fc.constantFrom('confirm', 'keepData', 'subscriber', 'password'), text), text, { minKeys: 1 })
    .map((query) => ({ ...query, nobodyKnowsThis: '1' })),
  headers: fc.record({ 'idempotency-key': text, 'x-correlation-id': text }, { requiredKeys: [] }),
});
