/** Exit statuses of the command line. Scripts depend on them. */
export const EXIT = {
  /** Done; clean; nothing found. */
  done: 0,
  /** A "no": refused by a gate, or the databases differ. */
  no: 1,
  /** An error, a mistake in the call, or it could not be told. */
  error: 2,
  /** Ended by Ctrl-C, as shells expect it. */
  interrupted: 130,
  /** Ended by SIGTERM. */
  terminated: 143,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];
