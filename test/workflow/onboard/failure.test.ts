import { describe, expect, it } from 'vitest';
import { expectFailure, onboard, recordOf, requestFor, useSandbox } from '../sandbox.ts';

const sandbox = useSandbox();

describe('attempts that fail', () => {
  it('are kept in the record, each with its end, when a later one succeeds', async () => {
    const passwordSecretId = 'infinstor/sandbox/input/thrice/weak';
    sandbox().secretsManager.createSecret(
      passwordSecretId,
      JSON.stringify({ password: 'weak-marker-without-capitals' }),
    );
    const weak = await onboard(sandbox(), { ...requestFor('thrice'), passwordSecretId });
    await expectFailure(sandbox(), weak, { name: 'InfinStorRejected', step: 'CreateSubscriber' });
    const customTokenSecretId = 'infinstor/sandbox/input/thrice/wrong';
    sandbox().secretsManager.createSecret(customTokenSecretId, JSON.stringify({ customToken: 'Wrong-Token-Marker-1' }));
    const wrong = await onboard(sandbox(), { ...requestFor('thrice'), customTokenSecretId });
    await expectFailure(sandbox(), wrong, { name: 'StackFailed', step: 'WaitForStack' });
    expect((await recordOf(sandbox(), 'thrice'))?.attempts).toMatchObject({
      L: [
        {
          M: {
            executionArn: { S: weak.executionArn },
            status: { S: 'FAILED' },
            error: { M: { name: { S: 'InfinStorRejected' }, step: { S: 'CreateSubscriber' } } },
          },
        },
        { M: { executionArn: { S: wrong.executionArn } } },
      ],
    });
  });
});
