/** How far the witness has cosigned a tree, and when it may be asked again. */
export class CosignedTree {
  private leaves = 0;
  private notBefore = 0;

  get size(): number {
    return this.leaves;
  }

  is(size: number): void {
    this.leaves = size;
    this.notBefore = 0;
  }

  pause(ms: number): void {
    this.notBefore = performance.now() + ms;
  }

  isPaused(): boolean {
    return this.notBefore > 0;
  }

  mayAsk(): boolean {
    return performance.now() >= this.notBefore;
  }
}
