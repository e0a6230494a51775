// Packages the deployment of a stage, after its params have been checked.

import { packageArguments, packageHelp } from './package-arguments.ts';
import { packageStage } from './package-stage.ts';

try {
  const given = packageArguments(process.argv.slice(2));
  if (given === 'help') process.stdout.write(packageHelp);
  else {
    const { unchecked } = await packageStage(given.stage);
    if (unchecked.length > 0) {
      process.stderr.write(`Not checked, because only osls knows the values: ${unchecked.join(', ')}\n`);
    }
    process.stdout.write(`Packaged stage ${given.stage} into .serverless/\n`);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
