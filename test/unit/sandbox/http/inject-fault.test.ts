import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseFault } from '../../../../sandbox/core/faults.ts';
import { answer, faults, infinstor, kill, kms, options, server, setUp, sparedKey } from './server-fixture.ts';

beforeEach(setUp);

describe('a fault', () => {
  const describeKey = () => kms().send(new DescribeKeyCommand({ KeyId: 'k' }));

  it.each([
    ['kms:DescribeKey:throttle', { name: 'ThrottlingException' }],
    ['kms:DescribeKey:error=KMSInternalException', { name: 'KMSInternalException' }],
    ['kms:DescribeKey:error=InternalFailure', { name: 'InternalFailure', $metadata: { httpStatusCode: 500 } }],
  ])('%s refuses the call before its effect, once', async (text, error) => {
    const inputs = answer({});
    faults.add(parseFault(text));
    await expect(describeKey()).rejects.toMatchObject(error);
    expect(inputs).toEqual([]);
    await describeKey();
    expect(inputs).toHaveLength(1);
  });

  it.each([
    ['drop', 0],
    ['kill', 1],
  ])('%s loses the answer after the effect', async (kind, kills) => {
    const inputs = answer({});
    faults.add(parseFault(`kms:DescribeKey:${kind}`));
    await expect(describeKey()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(inputs).toHaveLength(1);
    expect(kill).toHaveBeenCalledTimes(kills);
    if (kills > 0) expect(kill).toHaveBeenCalledWith('operator');
  });

  it('holds a call until a test lets it go on', async () => {
    const inputs = answer({});
    const { promise, resolve } = Promise.withResolvers<void>();
    faults.add({ service: 'kms', operation: 'DescribeKey', fault: { kind: 'hold', until: promise }, times: 1 });
    const held = describeKey();
    await describeKey();
    expect(inputs).toHaveLength(1);
    resolve();
    await held;
    expect(inputs).toHaveLength(2);
  });

  it('is only for the calls of its function', async () => {
    answer({});
    faults.add({ ...parseFault('kms:DescribeKey:throttle'), functionName: 'another' });
    await describeKey();
    faults.add({ ...parseFault('kms:DescribeKey:throttle'), functionName: 'operator' });
    await expect(describeKey()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  it('spares the caller that it is to spare', async () => {
    answer({});
    faults.add(parseFault('kms:DescribeKey:throttle'));
    await new KMSClient(options(sparedKey)).send(new DescribeKeyCommand({ KeyId: 'k' }));
    await expect(describeKey()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });

  it('stale reads what was read before', async () => {
    const named = (Description: string) => ({ KeyMetadata: { KeyId: 'k', Description } });
    answer(named('old'));
    await describeKey();
    answer(named('new'));
    faults.add(parseFault('kms:DescribeKey:stale'));
    expect((await describeKey()).KeyMetadata?.Description).toBe('old');
    expect((await describeKey()).KeyMetadata?.Description).toBe('new');
  });

  it('of a gateway that gives up is answered after the effect', async () => {
    faults.add(parseFault('infinstor:add_subscriber:error=EndpointTimedOut'));
    const response = await fetch(`${server.infinstorUrl}/api/add_subscriber`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([599, 'EndpointTimedOut']);
    expect(infinstor).toHaveBeenCalledOnce();
  });

  it('of InfinStor is answered by InfinStor', async () => {
    faults.add(parseFault('infinstor:add_subscriber:error=504'));
    const response = await fetch(`${server.infinstorUrl}/api/add_subscriber`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([599, '504']);
    expect(infinstor).not.toHaveBeenCalled();
  });
});
