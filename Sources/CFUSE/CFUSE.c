#include "CFUSEShims.h"
