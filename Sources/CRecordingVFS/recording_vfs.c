#include "recording_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// A directory whose files are recorded.
struct Recording {
    char *directory;
    RecordingObserver observer;
    void *context;
    struct Recording *next;
};

/// An open file of a recorded directory; the platform's own follows it in memory.
struct RecordedFile {
    sqlite3_file base;
    /// SQLite keeps it until the file is closed.
    const char *path;
    int covers_directory;
};

/// Held over each call and its record, so that the record's order is the order of the calls.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct Recording *recordings;
static sqlite3_vfs *platform;
static sqlite3_vfs recording_vfs;

static sqlite3_file *real(sqlite3_file *file) { return (sqlite3_file *)((struct RecordedFile *)file + 1); }

/// The recording of a file's directory, or NULL. The lock is held.
static struct Recording *find(const char *path) {
    if (path == NULL) return NULL;
    for (struct Recording *recording = recordings; recording; recording = recording->next) {
        size_t length = strlen(recording->directory);
        if (strncmp(path, recording->directory, length) == 0 && path[length] == '/'
            && strchr(path + length + 1, '/') == NULL)
            return recording;
    }
    return NULL;
}

/// Tells the observer of a call. The lock is held.
static int tell(
    const char *path, enum RecordingKind kind, int64_t offset, const void *bytes, int64_t count, int covers_directory
) {
    struct Recording *recording = find(path);
    if (recording == NULL) return SQLITE_OK;
    struct RecordingCall call = {
        .kind = kind,
        .name = strrchr(path, '/') + 1,
        .offset = offset,
        .bytes = bytes,
        .count = count,
        .covers_directory = covers_directory,
    };
    enum RecordingAnswer answer = recording->observer(recording->context, &call);
    if (answer == RecordingAnswerDone) return SQLITE_OK;
    switch (kind) {
        case RecordingKindCreate: return SQLITE_CANTOPEN;
        case RecordingKindWrite: return answer == RecordingAnswerDiskFull ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        case RecordingKindTruncate: return SQLITE_IOERR_TRUNCATE;
        case RecordingKindSync: return SQLITE_IOERR_FSYNC;
        case RecordingKindDelete: return SQLITE_IOERR_DELETE;
    }
    return SQLITE_IOERR;
}

// The methods of an open file, in the order of sqlite3_io_methods.

static int file_close(sqlite3_file *file) { return real(file)->pMethods->xClose(real(file)); }

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), bytes, count, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    pthread_mutex_lock(&lock);
    int code = tell(((struct RecordedFile *)file)->path, RecordingKindWrite, offset, bytes, count, 0);
    if (code == SQLITE_OK) code = real(file)->pMethods->xWrite(real(file), bytes, count, offset);
    pthread_mutex_unlock(&lock);
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    pthread_mutex_lock(&lock);
    int code = tell(((struct RecordedFile *)file)->path, RecordingKindTruncate, size, NULL, 0, 0);
    if (code == SQLITE_OK) code = real(file)->pMethods->xTruncate(real(file), size);
    pthread_mutex_unlock(&lock);
    return code;
}

static int file_sync(sqlite3_file *file, int flags) {
    (void)flags;
    struct RecordedFile *recorded = (struct RecordedFile *)file;
    pthread_mutex_lock(&lock);
    int code = tell(recorded->path, RecordingKindSync, 0, NULL, 0, recorded->covers_directory);
    if (code == SQLITE_OK) recorded->covers_directory = 0;
    pthread_mutex_unlock(&lock);
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level) { return real(file)->pMethods->xLock(real(file), level); }

static int file_unlock(sqlite3_file *file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }

static int file_check_reserved_lock(sqlite3_file *file, int *is_reserved) {
    return real(file)->pMethods->xCheckReservedLock(real(file), is_reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file) { return real(file)->pMethods->xSectorSize(real(file)); }

static int file_device_characteristics(sqlite3_file *file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extends, void volatile **memory) {
    return real(file)->pMethods->xShmMap(real(file), region, size, extends, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) { real(file)->pMethods->xShmBarrier(real(file)); }

static int file_shm_unmap(sqlite3_file *file, int deletes) {
    return real(file)->pMethods->xShmUnmap(real(file), deletes);
}

/// Nothing is mapped: SQLite then reads and writes.
static int file_fetch(sqlite3_file *file, sqlite3_int64 offset, int count, void **memory) {
    (void)file, (void)offset, (void)count;
    *memory = NULL;
    return SQLITE_OK;
}

static int file_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *memory) {
    (void)file, (void)offset, (void)memory;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    3,
    file_close,
    file_read,
    file_write,
    file_truncate,
    file_sync,
    file_size,
    file_lock,
    file_unlock,
    file_check_reserved_lock,
    file_control,
    file_sector_size,
    file_device_characteristics,
    file_shm_map,
    file_shm_lock,
    file_shm_barrier,
    file_shm_unmap,
    file_fetch,
    file_unfetch,
};

// The VFS.

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    if (find(path) == NULL) {
        pthread_mutex_unlock(&lock);
        return platform->xOpen(platform, path, file, flags, out_flags);
    }
    struct RecordedFile *recorded = (struct RecordedFile *)file;
    int creates = (flags & SQLITE_OPEN_CREATE) != 0;
    int is_log = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    memset(recorded, 0, (size_t)recording_vfs.szOsFile);
    recorded->path = path;
    recorded->covers_directory = creates && is_log;
    int code = SQLITE_OK;
    if (creates && access(path, F_OK) != 0) code = tell(path, RecordingKindCreate, 0, NULL, 0, 0);
    if (code == SQLITE_OK) code = platform->xOpen(platform, path, real(file), flags, out_flags);
    // SQLite closes whatever has methods, even after a failure.
    if (real(file)->pMethods != NULL) file->pMethods = &methods;
    pthread_mutex_unlock(&lock);
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int syncs_directory) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    int is_recorded = find(path) != NULL;
    int code = SQLITE_OK;
    if (is_recorded && access(path, F_OK) == 0) code = tell(path, RecordingKindDelete, 0, NULL, 0, syncs_directory);
    if (code == SQLITE_OK) code = platform->xDelete(platform, path, is_recorded ? 0 : syncs_directory);
    pthread_mutex_unlock(&lock);
    return code;
}

/// Puts this VFS before the platform's. The lock is held.
static int install(void) {
    if (platform != NULL) return SQLITE_OK;
    sqlite3_vfs *first = sqlite3_vfs_find(NULL);
    if (first == NULL) return SQLITE_ERROR;
    // What is not replaced finds the platform's data where it expects them.
    recording_vfs = *first;
    recording_vfs.zName = "recording";
    recording_vfs.pNext = NULL;
    recording_vfs.szOsFile = (int)sizeof(struct RecordedFile) + first->szOsFile;
    recording_vfs.xOpen = vfs_open;
    recording_vfs.xDelete = vfs_delete;
    platform = first;
    return sqlite3_vfs_register(&recording_vfs, 1);
}

int recording_begin(const char *directory, RecordingObserver observer, void *context) {
    int code = sqlite3_initialize();
    if (code != SQLITE_OK) return code;
    struct Recording *recording = calloc(1, sizeof *recording);
    if (recording == NULL) return SQLITE_NOMEM;
    recording->directory = strdup(directory);
    recording->observer = observer;
    recording->context = context;
    pthread_mutex_lock(&lock);
    code = recording->directory ? install() : SQLITE_NOMEM;
    if (code == SQLITE_OK) {
        recording->next = recordings;
        recordings = recording;
    }
    pthread_mutex_unlock(&lock);
    if (code != SQLITE_OK) {
        free(recording->directory);
        free(recording);
    }
    return code;
}

void recording_end(const char *directory) {
    pthread_mutex_lock(&lock);
    struct Recording **link = &recordings;
    while (*link != NULL && strcmp((*link)->directory, directory) != 0) link = &(*link)->next;
    struct Recording *recording = *link;
    if (recording != NULL) *link = recording->next;
    pthread_mutex_unlock(&lock);
    if (recording == NULL) return;
    free(recording->directory);
    free(recording);
}
