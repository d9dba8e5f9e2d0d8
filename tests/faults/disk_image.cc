#include "disk_image.h"

#include <algorithm>
#include <cstring>
#include <fstream>

namespace paquebot::faults {
namespace {

constexpr std::size_t kSector = 512;

void put(std::string& content, std::size_t at, std::string_view data) {
  if (content.size() < at + data.size()) content.resize(at + data.size());
  std::ranges::copy(data, content.begin() + static_cast<std::ptrdiff_t>(at));
}

void apply(std::string& content, const Record& record) {
  if (record.op == Op::truncate) {
    content.resize(static_cast<std::size_t>(record.at));
  } else if (record.op == Op::write) {
    put(content, static_cast<std::size_t>(record.at), record.data);
  } else {
    content.clear();
  }
}

void apply_torn(std::string& content, const Record& record, std::mt19937& chance) {
  if (record.op != Op::write) {
    if (chance() % 2 == 0) apply(content, record);
    return;
  }
  for (std::size_t done = 0; done < record.data.size();) {
    const std::size_t at = static_cast<std::size_t>(record.at) + done;
    const std::size_t size = std::min(kSector - at % kSector, record.data.size() - done);
    if (chance() % 2 == 0) put(content, at, std::string_view(record.data).substr(done, size));
    done += size;
  }
}

} // namespace

std::vector<Record> read_log(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<Record> records;
  char head[56];
  while (in.read(head, sizeof(head))) {
    Record record;
    record.name = head; // ends in a zero
    std::int64_t numbers[3];
    std::memcpy(numbers, head + 32, sizeof(numbers));
    record.at = numbers[0];
    record.op = static_cast<Op>(numbers[2]);
    record.data.resize(static_cast<std::size_t>(numbers[1]));
    in.read(record.data.data(), numbers[1]);
    records.push_back(std::move(record));
  }
  return records;
}

void Disk::feed(const Record& record) {
  if (record.op == Op::note) return;
  if (record.op == Op::sync_names) {
    for (auto& [name, file] : files_) {
      if (file.removed) file = File();
    }
    return;
  }
  File& file = files_[record.name];
  switch (record.op) {
    case Op::sync:
      for (const Record& one : file.pending) apply(file.synced, one);
      file.pending.clear();
      break;
    case Op::remove:
      file.pending.push_back(record);
      file.removed = true;
      if (record.at != 0 && syncs_) file = File(); // its directory was synced with it
      break;
    case Op::failed_sync: file.pending.clear(); break; // clean in memory, not on the disk, and never written again
    default: file.removed = false; file.pending.push_back(record);
  }
}

void Disk::write_image(const std::string& directory, Fate fate, std::mt19937& chance) const {
  for (const auto& [name, file] : files_) {
    if (name.ends_with("-shm")) continue;
    std::string content = file.synced;
    for (const Record& one : file.pending) {
      if (fate == Fate::kept || (fate == Fate::partly && chance() % 2 == 0)) apply(content, one);
      if (fate == Fate::torn) apply_torn(content, one, chance);
    }
    std::ofstream(directory + "/" + name, std::ios::binary) << content;
  }
}

} // namespace paquebot::faults
