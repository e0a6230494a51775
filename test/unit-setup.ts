import { afterAll, afterEach, onTestFinished, TestRunner, vi } from 'vitest';

// The unit tests of a worker share its process and its modules: whatever one of them puts in the place of something else would
// meet the next. So everything is put back here, and no test has to remember it.
afterEach(() => {
  // In this order: what spies on a faked timer would put that one back in the place of the real one.
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

// What it mocks are mostly the classes of the clients, which stay mocked until they are restored.
vi.mock(import('aws-sdk-client-mock'), async (importOriginal) => {
  const original = await importOriginal();
  const mockClient: typeof original.mockClient = (client, options) => {
    const mock = original.mockClient(client, options);
    const atTheEnd = TestRunner.getCurrentTest() === undefined ? afterAll : onTestFinished;
    atTheEnd(() => mock.restore());
    return mock;
  };
  return { ...original, mockClient };
});
