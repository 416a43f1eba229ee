/* Stands for a GraalVM native image in tests, because no native-image tool is available to them.
 *
 * Like a native image, it is an ELF executable that is the program: it loads libjvm.so into itself and runs the main
 * class, so that /proc/self/exe, the command line and the process's name are its own, and no `java` is visible. It
 * takes -D and -X options for the runtime and passes everything else to the program.
 * Unlike a native image, it runs HotSpot, with reflection, class loading and jdk.unsupported.
 *
 * Compile with -DLIBJVM="..." -DCLASS_PATH="..." -DMAIN_CLASS="a/b/C" (see ./build).
 */
#include <dlfcn.h>
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef jint (*create_vm)(JavaVM **, void **, void *);

static int fail(const char *what, const char *why) {
  fprintf(stderr, "launcher: %s: %s\n", what, why);
  return 70;
}

static int is_runtime_option(const char *argument) {
  return strncmp(argument, "-D", 2) == 0 || strncmp(argument, "-X", 2) == 0;
}

static int call_main(JNIEnv *env, int count, char **arguments) {
  jclass program = (*env)->FindClass(env, MAIN_CLASS);
  jclass string = (*env)->FindClass(env, "java/lang/String");
  if (program == NULL || string == NULL) {
    (*env)->ExceptionDescribe(env);
    return fail(MAIN_CLASS, "is not on the class path " CLASS_PATH);
  }
  jmethodID entry = (*env)->GetStaticMethodID(env, program, "main", "([Ljava/lang/String;)V");
  jobjectArray array = (*env)->NewObjectArray(env, count, string, NULL);
  if (entry == NULL || array == NULL) {
    return fail(MAIN_CLASS, "has no main");
  }
  for (int i = 0; i < count; i++) {
    (*env)->SetObjectArrayElement(env, array, i, (*env)->NewStringUTF(env, arguments[i]));
  }
  (*env)->CallStaticVoidMethod(env, program, entry, array);
  if ((*env)->ExceptionCheck(env)) {
    (*env)->ExceptionDescribe(env);
    return 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  void *library = dlopen(LIBJVM, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) {
    return fail("the JVM can't be loaded", dlerror());
  }
  create_vm create = (create_vm)dlsym(library, "JNI_CreateJavaVM");
  JavaVMOption *options = calloc((size_t)argc + 1, sizeof *options);
  char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
  if (create == NULL || options == NULL || arguments == NULL) {
    return fail("the JVM can't be started", "no JNI_CreateJavaVM, or no memory");
  }

  int option_count = 0;
  int argument_count = 0;
  options[option_count++].optionString = "-Djava.class.path=" CLASS_PATH;
  for (int i = 1; i < argc; i++) {
    if (argument_count == 0 && is_runtime_option(argv[i])) {
      options[option_count++].optionString = argv[i];
    } else {
      arguments[argument_count++] = argv[i];
    }
  }

  JavaVM *vm;
  JNIEnv *env;
  JavaVMInitArgs init = {.version = JNI_VERSION_1_8, .nOptions = option_count, .options = options};
  if (create(&vm, (void **)&env, &init) != JNI_OK) {
    return fail("the JVM can't be started", "it refuses these options");
  }
  int code = call_main(env, argument_count, arguments);
  (*vm)->DestroyJavaVM(vm);
  return code;
}
