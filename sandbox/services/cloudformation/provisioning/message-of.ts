/** The reason that a failure gives a resource or a stack. */
export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
