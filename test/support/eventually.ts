/** Waits until the condition holds. */
export async function eventually(
  condition: () => Promise<boolean>,
  { what, withinMs = 20_000 }: { what: string; withinMs?: number },
): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}
