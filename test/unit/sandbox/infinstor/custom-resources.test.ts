import { describe, expect, it, vi } from 'vitest';
import { createFaults, parseFault } from '../../../../sandbox/core/faults.ts';
import { createCustomResources } from '../../../../sandbox/infinstor/custom-resources.ts';

const registration = { CustomToken: 'token', RoleArn: 'arn:role', BucketName: 'bucket', TableName: 'table' };

function setUp() {
  const redeem = vi.fn();
  const faults = createFaults([]);
  return { call: createCustomResources({ faults, infinstor: () => ({ redeem }) }), faults, redeem };
}

describe("a subscriber's stack", () => {
  it('registers with InfinStor', async () => {
    const { call, redeem } = setUp();
    expect(await call('Custom::InfinStorSubscriber', registration)).toMatchObject({ physicalId: 'arn:role' });
    expect(redeem).toHaveBeenCalledWith('token', { roleArn: 'arn:role', bucketName: 'bucket', tableName: 'table' });
  });

  it('fails when a fault says that InfinStor does', async () => {
    const { call, faults, redeem } = setUp();
    faults.add(parseFault('infinstor:register:error=503'));
    await expect(call('Custom::InfinStorSubscriber', registration)).rejects.toThrow('InfinStor answered 503');
    expect(redeem).not.toHaveBeenCalled();
  });
});

describe('a resource that is asked to make trouble', () => {
  const type = 'Custom::SandboxTrouble';

  it('fails when it is created', async () => {
    const { call } = setUp();
    const created = call(type, { On: 'Create', Outcome: 'Fail', Reason: 'no room' });
    await expect(created).rejects.toThrow('no room');
  });

  it('fails when it is deleted', async () => {
    const { delete: remove } = await setUp().call(type, { On: 'Delete', Outcome: 'Fail', Reason: 'not empty' });
    await expect(remove?.()).rejects.toThrow('not empty');
  });

  it('never answers', async () => {
    const answer = setUp().call(type, { On: 'Create', Outcome: 'Hang' });
    expect(await Promise.race([answer, new Promise((resolve) => setImmediate(resolve, 'nothing'))])).toBe('nothing');
  });
});
