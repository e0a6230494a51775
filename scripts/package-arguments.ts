export const packageHelp = `npm run package -- [stage]

Builds the functions and packages the deployment of a stage (default: dev) into .serverless/, and refuses what AWS would refuse.
The stage's params are in stages/<stage>.yml: a stage without this file, an unknown param and a wrong value are refused.
stages/example.yml explains every param. docs/deploying.md has the steps before this one and after it.
`;

/**
 * What `npm run package` is given: a stage, which is part of the names of the stack and most resources.
 * @throws Error for anything else
 */
export function packageArguments(args: readonly string[]): { stage: string } | 'help' {
  if (args.some((arg) => ['--help', '-h', 'help'].includes(arg))) return 'help';
  const [stage = 'dev', ...others] = args;
  // CloudFormation's rule for stack names; names of functions and secrets allow these characters, too.
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(stage)) {
    throw new Error(
      `A stage has letters, digits and hyphens, and begins with a letter: '${stage}' is none\n${packageHelp}`,
    );
  }
  if (others.length > 0) throw new Error(`One stage at a time: got ${args.join(' ')}\n${packageHelp}`);
  return { stage };
}
