// What `infinstor-onboarding` runs.

import { endWithSignals } from '../sandbox/core/process-end.ts';
import { run } from './run.ts';

// The SDK's advice is for its developers: the package has a version of it that runs on this Node.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
let running: ReturnType<typeof run> | undefined;
// Before anything is printed, which a full disk or a closed pipe can end.
endWithSignals(() => running?.sayGoodbye());
running = run(process.argv.slice(2), { name: 'infinstor-onboarding', isTour: false });
// Not awaited at the top: the bundle is CommonJS.
void running.status.then((status) => {
  process.exitCode = status;
});
