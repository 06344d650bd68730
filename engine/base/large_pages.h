// Copyright 2026 The Semel Authors. SPDX-License-Identifier: Apache-2.0
//
// Memory in large pages, where the system gives them when asked. Of small ones the processor forgets where they are,
// sooner than a table of a hundred thousand entities has been gone through.

#ifndef SEMEL_ENGINE_BASE_LARGE_PAGES_H_
#define SEMEL_ENGINE_BASE_LARGE_PAGES_H_

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace semel::internal {

inline constexpr size_t kLargePageBytes = size_t{2} << 20;

// The allocator of a container that may grow large. What is smaller than a large page comes from where all memory does.
template <typename T>
struct LargePages {
  using value_type = T;
  LargePages() = default;
  template <typename U>
  LargePages(const LargePages<U>&) {}  // NOLINT: an allocator is converted

  T* allocate(size_t count) {
    if (!IsLarge(count)) return std::allocator<T>().allocate(count);
    const size_t bytes = (count * sizeof(T) + kLargePageBytes - 1) / kLargePageBytes * kLargePageBytes;
    void* const memory = ::operator new(bytes, std::align_val_t(kLargePageBytes));
    (void)madvise(memory, bytes, MADV_HUGEPAGE);  // a system without them goes on with small ones
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) {
    if (!IsLarge(count)) return std::allocator<T>().deallocate(memory, count);
    ::operator delete(memory, std::align_val_t(kLargePageBytes));
  }
  friend bool operator==(const LargePages&, const LargePages&) { return true; }
  friend bool operator!=(const LargePages&, const LargePages&) { return false; }

 private:
  static bool IsLarge(size_t count) { return count >= kLargePageBytes / sizeof(T); }
};

// Makes objects of one type, side by side in pieces of memory that double until they are as large as a large page. What
// is deleted gives its place to the next; the memory itself goes back at the end, by when all must have been deleted.
// Under AddressSanitizer each object has memory of its own, so that a use after its end shows.
template <typename T>
class Pool {
 public:
  Pool() = default;
  ~Pool() {
    for (const Piece& piece : pieces_) LargePages<Place>().deallocate(piece.places, piece.count);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  template <typename... Args>
  T* New(Args&&... args) {
    if constexpr (kSanitized) return new T(std::forward<Args>(args)...);
    return new (TakePlace()) T(std::forward<Args>(args)...);
  }

  void Delete(T* object) {
    if constexpr (kSanitized) {
      delete object;
    } else {
      object->~T();
      free_ = new (object) Place{free_};
    }
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool kSanitized = true;
#elif defined(__has_feature)
  static constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
  static constexpr bool kSanitized = false;
#endif

  union Place {
    Place* next_free;
    alignas(T) char object[sizeof(T)];
  };
  struct Piece {
    Place* places = nullptr;
    size_t count = 0;
    size_t used = 0;
  };
  static constexpr size_t kFirstCount = 16;
  static constexpr size_t kMostCount = kLargePageBytes / sizeof(Place);
  static_assert(kFirstCount <= kMostCount);

  void* TakePlace() {
    if (free_ != nullptr) return std::exchange(free_, free_->next_free);
    if (pieces_.empty() || pieces_.back().used == pieces_.back().count) AddPiece();
    return &pieces_.back().places[pieces_.back().used++];
  }

  void AddPiece() {
    Piece& piece = pieces_.emplace_back();  // of no places, should there be no memory for them
    piece.places = LargePages<Place>().allocate(next_count_);
    piece.count = std::exchange(next_count_, std::min(2 * next_count_, kMostCount));
  }

  std::vector<Piece> pieces_;
  size_t next_count_ = kFirstCount;
  Place* free_ = nullptr;
};

}  // namespace semel::internal

#endif  // SEMEL_ENGINE_BASE_LARGE_PAGES_H_
