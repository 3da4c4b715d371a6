// The gallery: pages of pictures as far as one has scrolled, and what is done to them.
import type { Schema } from "../../lib/api";
import { type ApiError, shownError } from "../../lib/errors";
import { api } from "../client";

export type Picture = Schema<"ImageInfo">;

export interface Filter {
  q: string;
  model: string;
  tag: string;
  favourite: boolean;
}

const PAGE = 100;

class Gallery {
  pictures = $state.raw<readonly Picture[]>([]);
  total = $state(0);
  usedBytes = $state(0);
  quotaBytes = $state<number | null>(null);
  error = $state.raw<ApiError | null>(null);
  busy = $state(false);
  filter = $state.raw<Filter>({ q: "", model: "", tag: "", favourite: false });
  private next: string | null = null;
  private turn = 0;

  get whole(): boolean {
    return this.next === null;
  }

  /** From the beginning, by another filter where one is given. */
  async show(filter: Partial<Filter> = {}): Promise<void> {
    this.filter = { ...this.filter, ...filter };
    this.next = "";
    await this.more(true);
  }

  async more(anew = false): Promise<void> {
    if ((this.busy && !anew) || this.next === null) return;
    const turn = ++this.turn;
    this.busy = true;
    const { favourite, ...texts } = this.filter;
    try {
      const page = await api.get("/api/v1/images", {
        query: { ...texts, ...(favourite ? { favourite } : {}), limit: PAGE, after: anew ? "" : this.next },
      });
      if (turn !== this.turn) return;
      this.pictures = anew ? page.images : [...this.pictures, ...page.images];
      this.next = page.next;
      [this.total, this.usedBytes, this.quotaBytes, this.error] = [page.total, page.used_bytes, page.quota_bytes, null];
    } catch (error) {
      if (turn === this.turn) this.error = shownError(error);
    } finally {
      if (turn === this.turn) this.busy = false;
    }
  }

  /** One that was just made comes first, where no filter leaves it out. */
  add(picture: Picture): void {
    if (this.filter.q || this.filter.model || this.filter.tag || this.filter.favourite) return;
    if (this.pictures.some((each) => each.id === picture.id)) return;
    this.pictures = [picture, ...this.pictures];
    this.total += 1;
  }

  async favour(picture: Picture): Promise<void> {
    this.put(await api.patch("/api/v1/images/{image}", { path: { image: picture.id }, body: { favourite: !picture.favourite } }));
  }

  async tag(picture: Picture, tags: string[]): Promise<void> {
    this.put(await api.patch("/api/v1/images/{image}", { path: { image: picture.id }, body: { tags } }));
  }

  async remove(ids: readonly string[]): Promise<void> {
    await api.post("/api/v1/images/bulk", { body: { images: [...ids], delete: true } });
    const gone = new Set(ids);
    this.pictures = this.pictures.filter((each) => !gone.has(each.id));
    this.total = Math.max(0, this.total - gone.size);
  }

  private put(changed: Picture): void {
    this.pictures = this.pictures.map((each) => (each.id === changed.id ? changed : each));
  }
}

export const gallery = new Gallery();
